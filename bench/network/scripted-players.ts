/** Players that a script in Python steers by the bindings that Debian has: GStreamer's playbin, and VLC's library. */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { python } from '../../test/players/gstreamer.ts';
import { start } from '../../test/players/program.ts';
import type { Facts, PlayerStart } from './player.ts';

type Told = { readonly shown: number } | { readonly failed: string } | { readonly taken: boolean } | Facts;

export const playInGstreamer = (source: 'souphttpsrc' | 'curlhttpsrc') => playByScript('gstreamer.py', source);
export const playInVlc = playByScript('libvlc.py');

function playByScript(name: string, ...args: readonly string[]): PlayerStart {
  return async (url, screen, signal) => {
    const script = join(import.meta.dirname, name);
    const program = start(python, [script, ...args, url], signal, ['pipe', 'pipe', 'pipe']);
    const asked: ((told: Told) => void)[] = [];
    createInterface({ input: program.process.stdout ?? process.stdin }).on('line', (line) => {
      const told = JSON.parse(line) as Told;
      if ('shown' in told) screen.show(told.shown);
      else if ('failed' in told) screen.fail(told.failed);
      else asked.shift()?.(told);
    });
    const input = program.process.stdin as Writable;
    // Writing to a player that is gone must not end the run before its reason is told.
    input.on('error', () => {});
    program.ended.then((code) => screen.fail(`ended with ${code}: ${program.errors()}`));
    const ask = <T extends Told>(command: object) => {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      asked.push((told) => resolve(told as T));
      program.ended.then(() => reject(new Error(screen.failure ?? 'ended')));
      input.write(`${JSON.stringify(command)}\n`);
      return promise;
    };
    return {
      async seek(place) {
        const { taken } = await ask<{ taken: boolean }>({ seek: place });
        if (!taken) throw new Error(`refuses to seek to ${place} s`);
      },
      facts: () => ask<Facts>({}),
      async [Symbol.asyncDispose]() {
        program.process.kill('SIGKILL');
        await program.ended;
      },
    };
  };
}
