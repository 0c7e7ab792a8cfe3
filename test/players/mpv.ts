/** mpv, steered over its JSON IPC: https://mpv.io/manual/stable/#json-ipc */
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { type SeekingPlayer, seekTargets } from './player.ts';
import { start } from './program.ts';

interface Message {
  readonly request_id?: number;
  readonly error?: string;
  readonly event?: string;
  readonly name?: string;
  readonly data?: unknown;
  readonly reason?: string;
}

export const playInMpv: SeekingPlayer = async (url, signal, places = seekTargets) => {
  // Opens paused, so that the seeks start from a known place; then plays faster than real time.
  const args = ['--no-config', '--vo=null', '--ao=null', '--speed=12', '--pause', '--input-ipc-client=fd://3', url];
  const mpv = start('mpv', args, signal, ['ignore', 'pipe', 'pipe', 'pipe']);
  let output = '';
  mpv.process.stdout?.on('data', (text) => {
    output += text;
  });
  const ipc = mpv.process.stdio[3] as Duplex;
  const messages = createInterface({ input: ipc })[Symbol.asyncIterator]();
  let position = Number.NaN;

  const until = async (isAwaited: (message: Message) => boolean): Promise<Message> => {
    for (;;) {
      const { value, done } = await messages.next();
      if (done) throw new Error(`mpv ended with ${await mpv.ended}: ${output}${mpv.errors()}`);
      const message = JSON.parse(value) as Message;
      if (message.name === 'time-pos' && typeof message.data === 'number') position = message.data;
      if (isAwaited(message)) return message;
    }
  };
  let requests = 0;
  const ask = async (...command: unknown[]) => {
    const id = ++requests;
    ipc.write(`${JSON.stringify({ command, request_id: id })}\n`);
    const { error, data } = await until(({ request_id, event }) => request_id === id && event === undefined);
    if (error !== 'success') throw new Error(`mpv answers ${command.join(' ')} with: ${error}`);
    return data;
  };

  await ask('observe_property', 1, 'time-pos');
  await until(({ event }) => event === 'playback-restart');
  const seeks: number[] = [];
  for (const place of places) {
    await ask('seek', place, 'absolute+exact');
    await until(({ event }) => event === 'playback-restart');
    seeks.push(Number(await ask('get_property', 'time-pos')));
  }
  await ask('set_property', 'pause', false);
  const { reason } = await until(({ event }) => event === 'end-file');
  if (reason !== 'eof' || (await mpv.ended) !== 0) throw new Error(`mpv ended by ${reason}: ${output}${mpv.errors()}`);
  return { seeks, end: position };
};
