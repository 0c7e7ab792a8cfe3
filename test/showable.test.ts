/** What may be shown of targets, URLs and texts: no secret in whatever part of them, and the rest as it is. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { showablePath, showableText } from '../src/showable.ts';

const secret = 'S3CRET';

const hidden: readonly [target: string, shown: string][] = [
  [`/a.mkv?x=${secret}`, '/a.mkv'],
  [`/a.mkv?x=1?y=${secret}/b;z`, '/a.mkv'],
  [`/a.mkv#${secret}`, '/a.mkv'],
  [`/a.mkv;jsessionid=${secret}`, '/a.mkv'],
  [`/films;token=${secret}/a.mkv;v=1`, '/films/a.mkv'],
  [`/films;a=1;b=${secret},2/a.mkv`, '/films/a.mkv'],
  [`/a.mkv%3Bjsessionid=${secret}`, '/a.mkv'],
  [`/a.mkv%3bjsessionid%3d${secret}%2F${secret}`, '/a.mkv'],
  [`/a.mkv%3Ftoken%3D${secret}`, '/a.mkv'],
  [`/a.mkv&token=${secret}`, '/a.mkv'],
  [`/;t=${secret}/a.mkv`, '//a.mkv'],
  [`/Steins;Semaphore - 01.mkv;t=${secret}`, '/Steins;Semaphore - 01.mkv'],
  [`/a.mkv;${secret}-0123-4567`, '/a.mkv'],
  [`/http://user:${secret}@host/a.mkv`, '/http://host/a.mkv'],
  [`/http:/${secret}@host/a.mkv`, '/http:/host/a.mkv'],
  [`/https%3A%2F%2Fuser%3A${secret}%40host%2Fa.mkv%3Fx%3D${secret}`, '/https%3A%2F%2Fhost%2Fa.mkv'],
];

const kept = [
  '/a.mkv',
  '/Steins;Semaphore/Steins;Semaphore - 01.mkv',
  '/Tom&Jerry.mkv',
  '/me@home/a.mkv',
  '/x=y/a%20b.mkv',
];

describe('a path that is shown', () => {
  for (const [target, shown] of hidden) {
    test(`of ${target} is ${shown}`, () => assert.equal(showablePath(target), shown));
  }
  for (const target of kept) {
    test(`of ${target} is the same`, () => assert.equal(showablePath(target), target));
  }

  test('names no value of a parameter of any segment, and is shown once more as it is', () => {
    const word = fc.stringMatching(/^[a-z0-9._~-]{0,8}$/);
    const delimiter = fc.constantFrom(';', '%3B', '%3b');
    const parameter = fc.tuple(delimiter, word, fc.constantFrom('=', '%3D')).map((parts) => parts.join('') + secret);
    const segment = fc.tuple(word, fc.array(parameter, { maxLength: 3 })).map(([name, all]) => name + all.join(''));
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), (segments) => {
        const shown = showablePath(`/${segments.join('/')}`);
        assert.ok(!shown.includes(secret), shown);
        assert.equal(shown.split('/').length, segments.length + 1);
        assert.equal(showablePath(shown), shown);
      }),
    );
  });

  test('costs no more than its length, whatever stands in it', () => {
    const costly = [';', ';a', ';a=', '%3b', '@', '/@', '%2f%2f@', '&%3d', ';aaaaaaaaaaaa1', '%3a%2f'];
    const before = process.cpuUsage();
    for (const piece of costly) showablePath(`/${piece.repeat(8192 / piece.length)}`);
    for (const piece of ['http://', '?', '?a', '?a=', '@']) showableText(piece.repeat(8192 / piece.length));
    assert.ok(process.cpuUsage(before).user < 1_000_000, 'in microseconds of the processor');
  });
});

test('a text shows its URLs without secrets, and everything else', () => {
  for (const [text, shown] of [
    [`see https://u:${secret}@host:80/a;t=${secret}/b?x=${secret}#${secret} now`, 'see https://host:80/a/b now'],
    [`"http://host/a?x=${secret}" and 'HTTP://${secret}@host'`, `"http://host/a" and 'HTTP://host'`],
    [`Invalid target: /a?token=${secret}`, 'Invalid target: /a'],
    ['What? a=b; no secret: 1@2', 'What? a=b; no secret: 1@2'],
  ] as const) {
    assert.equal(showableText(text), shown);
  }
});
