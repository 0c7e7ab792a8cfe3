/** `firstbyte top`: the state of firstbyte, drawn again each second, and oftener while a player waits. */
import { sleep } from '../clock.ts';
import type { StoreReport } from '../control/answers.ts';
import type { ExitReason } from './exit-codes.ts';
import { Interruption, type Invocation } from './invocation.ts';
import { openSession, type Session } from './session.ts';
import { type Paint, type TopSnapshot, topLines } from './top-lines.ts';

const intervalMs = 1000;

/** People count the seconds of a wait. */
const waitingMs = 200;

export async function top(invocation: Invocation): Promise<ExitReason> {
  const { options, around } = invocation;
  const { terminal, print } = around;
  await using session = await openSession(invocation, { running: true });
  const paint: Paint = (style, text) => terminal.paint('out', style, text);
  const live = terminal.isTerminal('out') && !options.once && !options.json;
  if (live) return drawLive(session, invocation, paint);
  using interruption = new Interruption(around);
  const { signal } = interruption;
  const width = terminal.isTerminal('out') ? terminal.size('out').columns : Number.POSITIVE_INFINITY;
  for (;;) {
    const snapshot = await look(session);
    if (!options.json) print(`${topLines(snapshot, width, paint).join('\n')}\n`);
    else print(`${JSON.stringify(snapshot)}\n`);
    if (options.once || !options.json) return 'stopped';
    await sleep(around.clock, intervalMs, signal).catch(() => {});
    if (signal.aborted) return 'stopped';
  }
}

async function look({ control }: Session, signal?: AbortSignal): Promise<TopSnapshot> {
  const [{ fills }, { origins }, store, { uptimeSeconds }] = await Promise.all([
    control.get<Pick<TopSnapshot, 'fills'>>('fills', signal),
    control.get<Pick<TopSnapshot, 'origins'>>('origins', signal),
    control.get<StoreReport>('store', signal),
    control.get<{ uptimeSeconds: number }>('stats', signal),
  ]);
  return { address: control.address.url, fills, origins, store, uptimeSeconds };
}

const enter = '\x1b[?1049h\x1b[?25l';
const controlC = '\x03';
const leave = '\x1b[?25h\x1b[?1049l';

/** On the alternate screen, until q, Ctrl-C or a signal. */
async function drawLive(session: Session, { around }: Invocation, paint: Paint): Promise<ExitReason> {
  const { terminal, print, clock } = around;
  using interruption = new Interruption(around);
  const left = new AbortController();
  const signal = AbortSignal.any([interruption.signal, left.signal]);
  let snapshot = await look(session, signal);
  const draw = () => {
    const { columns, rows } = terminal.size('out');
    const lines = topLines(snapshot, columns, paint).slice(0, rows - 2);
    print(`\x1b[H${[...lines, paint('dim', 'q: quit')].map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`);
  };
  const offKey = terminal.onKey((key) => {
    if (['q', 'Q', controlC].includes(key)) left.abort();
  });
  const offResize = terminal.onResize(draw);
  print(enter);
  try {
    while (!signal.aborted) {
      draw();
      await sleep(clock, snapshot.fills.some(({ waiters }) => waiters > 0) ? waitingMs : intervalMs, signal);
      snapshot = await look(session, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    offKey();
    offResize();
    print(leave);
  }
  return 'stopped';
}
