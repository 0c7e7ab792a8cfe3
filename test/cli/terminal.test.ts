/** What is another on a terminal: questions, titles, bars. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stage } from './stage.ts';

test('rm --all asks on a terminal, and where nobody can answer it wants --yes', async (t) => {
  const stage = await Stage.set(t);
  await stage.serve();
  await stage.run('warm', '/films/sub/d.mp4');
  const silent = await stage.run('rm', '--all');
  assert.deepEqual([silent.code, /add --yes/.test(silent.err)], [2, true]);

  const asking = stage.onTerminal('rm', '--all');
  await asking.prints(/Remove everything \(1 file\)\? \[y\/N\] /);
  asking.types('n\n');
  assert.equal((await asking.ended).code, 0);
  assert.match((await stage.run('ls')).out, /d\.mp4/);

  const sure = stage.onTerminal('rm', '--all');
  await sure.prints(/\[y\/N\] /);
  sure.types('y\n');
  assert.match((await sure.ended).out, /removed 1 file, 500 kB/);
  assert.equal((await stage.run('ls')).out, '');
});

test('a question that is answered by the end of input is not agreed to', async (t) => {
  const stage = await Stage.set(t);
  const asking = stage.onTerminal('rm', '--all');
  await asking.prints(/\[y\/N\] /);
  asking.types('\x04');
  const { code, out } = await asking.ended;
  assert.deepEqual([code, /removed/.test(out)], [2, false]);
});

test('on a terminal a list has titles and a total, and what takes over a second a bar', async (t) => {
  const stage = await Stage.set(t);
  await stage.serve();
  stage.origin.always({ rate: 1_000_000 });
  const warming = await stage.onTerminal('warm', '/films/a.mkv').ended;
  assert.equal(warming.code, 0, warming.out);
  assert.match(warming.out, /downloading \/films\/a\.mkv [█▏▎▍▌▋▊▉]+ +\d.* of 3 MB, \d+ %, .*\/s, .* left/);
  const listed = await stage.onTerminal('ls').ended;
  assert.match(listed.out, /PATH +SIZE +CACHED +STATE +PINNED +PLAYED/);
  assert.match(listed.out, /1 file, 3 MB cached/);
  assert.ok(listed.out.includes('\x1b['), 'the titles are dim');
});
