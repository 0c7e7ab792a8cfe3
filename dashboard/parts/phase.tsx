/** The state of a fill or an object, as a sign, a word and a colour, and why. The colour alone means nothing. */
import type { FillReport } from '../../src/control/answers.ts';
import type { FillPhase } from '../../src/events.ts';
import { Untrusted } from './untrusted.tsx';

/** Paths in a square of 16. */
const signs = {
  dash: 'M4 8h8',
  lines: 'M4 4h8M4 8h8M4 12h5',
  clock: 'M8 4v4l3 2M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8',
  down: 'M8 2.5v10M4 8.8l4 4 4-4',
  right: 'M3 8h10M9 4l4 4-4 4',
  bars: 'M5.5 3.5v9M10.5 3.5v9',
  check: 'M3 8.5l3.5 3.5L13 4.5',
  cross: 'M4 4l8 8M12 4l-8 8',
  lock: 'M4.5 7.5h7v5h-7zM6 7.5v-2a2 2 0 0 1 4 0v2',
} as const;

/** How a state is shown. */
export type StateWords = readonly [word: string, tone: Tone, sign: keyof typeof signs];

const words: Readonly<Record<FillPhase, StateWords>> = {
  idle: ['Idle', 'quiet', 'dash'],
  queued: ['Queued', 'wait', 'lines'],
  starting: ['Waiting', 'wait', 'clock'],
  filling: ['Downloading', 'go', 'down'],
  paused: ['Paused', 'quiet', 'bars'],
  complete: ['Complete', 'good', 'check'],
  failed: ['Failed', 'bad', 'cross'],
};

type Tone = 'quiet' | 'wait' | 'go' | 'good' | 'bad';

export function phaseWord(phase: FillPhase): string {
  return words[phase][0];
}

export function Phase({ phase }: { phase: FillPhase }) {
  return <State of={words[phase]} />;
}

const ahead: StateWords = ['Ahead', 'good', 'check'];

/** The state of a download and its reason, as one sentence: "Waiting for the origin: 3.2 s of 12 s, attempt 1". */
export function FillState({ fill }: { fill: FillReport }) {
  const { phase, reason, cursors, readers } = fill;
  if (phase === 'filling' && cursors.length > 0 && cursors.every(({ state }) => state === 'resting')) {
    return (
      <p class="why">
        <State of={ahead} /> of the player: enough is downloaded
      </p>
    );
  }
  // A player waits in the midst of its film, for longer than the usual time between two pieces.
  const isStalled = phase === 'filling' && readers.some(({ waitedMs }) => (waitedMs ?? 0) >= 1000);
  const shown = words[isStalled ? 'starting' : phase];
  const word = shown[0].toLowerCase();
  const rest = reason.startsWith(word) ? reason.slice(word.length).replace(/^:/, '').trim() : reason;
  return (
    <p class="why">
      <State of={shown} /> <Untrusted text={rest} />
    </p>
  );
}

export function State({ of: [word, tone, sign] }: { of: StateWords }) {
  return (
    <span class={`state ${tone}`}>
      <svg viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
        <path d={signs[sign]} />
      </svg>
      {word}
    </span>
  );
}
