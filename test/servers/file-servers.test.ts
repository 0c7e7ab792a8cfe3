/**
 * What plays directly plays through firstbyte: real file servers, each with a play, a seek, another, a cut, a restart,
 * and without the server. Every byte is compared.
 */
import assert from 'node:assert/strict';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { Relay } from '../network/relay.ts';
import { film } from '../support/film.ts';
import { type FileServer, fileServers } from './file-servers.ts';
import { Stage } from './stage.ts';

const size = 5_000_017;
const right = film(size);
/** Where a block of the store begins: what is before it survives no restart, where its block is not whole. */
const late = 15 * 262_144;

/** Whether it gives ranges when it is asked directly, so that firstbyte has to. */
async function givesRanges(url: string): Promise<boolean> {
  const reply = await fetch(url, { headers: { range: 'bytes=4000000-' } });
  await reply.arrayBuffer();
  // Who asks for a password here gives ranges to whoever has it.
  return reply.status === 206 || reply.status === 401;
}

/** A film ten days old on the server, and firstbyte before it; what `cut` says is cut once, in mid-body. */
async function staged(server: FileServer, { cut }: { readonly cut: boolean }) {
  const stage = await Stage.open();
  await stage.write('film.mp4', right.bytesAt(0, size));
  const then = new Date(Date.now() - 10 * 24 * 3600 * 1000);
  await utimes(join(stage.folder, 'films/film.mp4'), then, then);
  const running = await server.start(stage.folder);
  const relay = new Relay({
    clock: systemClock,
    fault: (number) => (cut && number === 1 ? { after: 1_500_000, cut: 'end' } : null),
  });
  const port = await relay.listen(running.port);
  const configuration = {
    origins: {
      films: {
        url: `http://${running.login === undefined ? '' : `${running.login}@`}127.0.0.1:${port}${running.path}`,
      },
    },
    healTimeout: '5s',
    firstByteTimeout: '5s',
  };
  await stage.serve(JSON.stringify(configuration));
  const direct = `http://127.0.0.1:${running.port}${running.path}film.mp4`;
  const away = async () => {
    relay.close();
    await running[Symbol.asyncDispose]();
  };
  stage.use({ [Symbol.asyncDispose]: away });
  return { stage, relay, running, direct, away };
}

async function plays(stage: Stage, range?: string): Promise<number> {
  const player = await stage.player(right);
  const reply = player.get('/films/film.mp4', range === undefined ? {} : { range });
  assert.equal(await reply.done(), 'complete', `${range}`);
  assert.equal(reply.status, range === undefined ? 200 : 206);
  return reply.bodyBytes;
}

for (const server of fileServers) {
  describe(`${server.name} through firstbyte`, { skip: server.skip }, () => {
    test('plays, is sought in twice, and plays on without the server and after a restart', async () => {
      const { stage, direct, away } = await staged(server, { cut: false });
      await using _ = stage;
      const ranges = await givesRanges(direct);
      assert.equal(await plays(stage, '0-262143'), 262_144);
      assert.equal(await plays(stage, `${late}-`), size - late);
      assert.equal(await plays(stage, '2000000-2000999'), 1000);
      await stage.atRest();
      await stage.restart();
      assert.equal(await plays(stage, `${late + 5}-${late + 1004}`), 1000);
      if (!ranges) assert.equal(await plays(stage), size);
      await away();
      assert.equal(await plays(stage, `${late}-`), size - late);
      assert.equal(await plays(stage, '0-262143'), 262_144);
      if (!ranges) return;
      await stage.restart();
      assert.equal(await plays(stage, `${late + 5}-`), size - late - 5);
    });

    test('plays whole, cut or not, and then without the server', async () => {
      const { stage, relay, direct, away } = await staged(server, { cut: true });
      await using _ = stage;
      const healed = await givesRanges(direct);
      if (healed) assert.equal(await plays(stage), size);
      else {
        const player = await stage.player(right);
        await player.get('/films/film.mp4').done();
        assert.equal(await plays(stage), size);
      }
      assert.ok(relay.connections > 1, 'it was cut');
      await away();
      assert.equal(await plays(stage), size);
      assert.equal(await plays(stage, '3000000-'), size - 3_000_000);
    });
  });
}
