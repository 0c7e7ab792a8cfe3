/** The state of a fill or an object, as a sign, a word and a colour. The colour alone means nothing. */
import type { FillPhase } from '../../src/events.ts';

const words: Readonly<Record<FillPhase, readonly [word: string, tone: Tone, sign: string]>> = {
  idle: ['Idle', 'quiet', 'M4 8h8'],
  queued: ['Queued', 'wait', 'M4 4h8M4 8h8M4 12h5'],
  starting: ['Waiting', 'wait', 'M8 4v4l3 2M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8'],
  filling: ['Downloading', 'go', 'M8 2.5v10M4 8.8l4 4 4-4'],
  paused: ['Paused', 'quiet', 'M5.5 3.5v9M10.5 3.5v9'],
  complete: ['Complete', 'good', 'M3 8.5l3.5 3.5L13 4.5'],
  failed: ['Failed', 'bad', 'M4 4l8 8M12 4l-8 8'],
};

export type Tone = 'quiet' | 'wait' | 'go' | 'good' | 'bad';

export function phaseWord(phase: FillPhase): string {
  return words[phase][0];
}

export function Phase({ phase }: { phase: FillPhase }) {
  const [word, tone, sign] = words[phase];
  return <State word={word} tone={tone} sign={sign} />;
}

/** `sign` is a path in a square of 16. */
export function State({ word, tone, sign }: { word: string; tone: Tone; sign: string }) {
  return (
    <span class={`state ${tone}`}>
      <svg viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
        <path d={sign} />
      </svg>
      {word}
    </span>
  );
}
