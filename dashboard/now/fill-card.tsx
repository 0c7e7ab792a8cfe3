/** One playing title: its state and reason, byte map, figures, players and connections. */
import type { CursorReport, FillReport } from '../../src/control/answers.ts';
import { durationWords, shareWords, sizeWords, speedWords } from '../../src/kit/amounts.ts';
import { FillState } from '../parts/phase.tsx';
import { TitleOf, titleText } from '../parts/title.tsx';
import { Untrusted } from '../parts/untrusted.tsx';
import { fillSpeed } from '../state/fills.ts';
import { ByteMap } from './byte-map.tsx';
import { PauseButton } from './pause-button.tsx';

export function FillCard({ fill }: { fill: FillReport }) {
  const speed = fillSpeed(fill);
  const { heals } = fill.timeline;
  const attempts = Math.max(0, ...fill.cursors.map(({ attempt }) => attempt));
  return (
    <article class="card fill" aria-label={titleText(fill)}>
      <header>
        <TitleOf {...fill} />
        <PauseButton fill={fill} />
      </header>
      <FillState fill={fill} />
      {fill.line !== null && <p class="why">{fill.line.words}</p>}
      <ByteMap fill={fill} />
      <dl class="figures">
        <Figure name="In" value={speedWords(speed.in)} />
        <Figure name="Out" value={speedWords(speed.out)} />
        <Figure name="Ahead" value={aheadText(fill)} />
        <Figure name="Cached" value={presentText(fill)} />
        {attempts > 1 && <Figure name="Attempt" value={String(attempts)} tone="wait" />}
        {heals > 0 && <Figure name="Interruptions repaired" value={String(heals)} />}
        {fill.waiters > 0 && <Figure name="Players waiting" value={String(fill.waiters)} tone="wait" />}
      </dl>
      <Connections cursors={fill.cursors} />
    </article>
  );
}

function Figure({ name, value, tone }: { name: string; value: string; tone?: 'wait' }) {
  return (
    <div class={tone}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** Of the player with the least read-ahead. */
function aheadText({ readers }: FillReport): string {
  if (readers.length === 0) return 'no player';
  const least = readers.reduce((one, other) => (other.ahead < one.ahead ? other : one));
  const bytes = sizeWords(least.ahead);
  return least.secondsAhead === null ? bytes : `${durationWords(least.secondsAhead * 1000)} (${bytes})`;
}

function presentText({ presentBytes, length }: FillReport): string {
  if (length === null) return sizeWords(presentBytes);
  return `${shareWords(presentBytes / Math.max(1, length))} of ${sizeWords(length)}`;
}

const cursorWords: Readonly<Record<CursorReport['state'], string>> = {
  queued: 'Waiting for a free connection, from',
  starting: 'Waiting for the first byte from',
  filling: 'Downloading from',
  resting: 'Downloaded ahead up to',
  retrying: 'Retrying from',
};

/** The state of each connection to the origin. Shown only where there are several, or one has had trouble. */
function Connections({ cursors }: { cursors: readonly CursorReport[] }) {
  const isPlain = cursors.length < 2 || cursors.every(({ state }) => state === 'resting');
  if (isPlain && cursors.every(({ lastFailure }) => lastFailure === null)) return null;
  return (
    <ul class="connections" aria-label="Connections to the origin">
      {cursors.map((cursor) => (
        <li key={cursor.position}>
          {cursorWords[cursor.state]} {sizeWords(cursor.position)}
          {cursor.nextTryIn !== null && ` in ${durationWords(cursor.nextTryIn)}`}
          {cursor.attempt > 1 && ` (attempt ${cursor.attempt})`}
          {cursor.lastFailure !== null && (
            <>
              {'. Last error: '}
              <Untrusted text={cursor.lastFailure} />
            </>
          )}
        </li>
      ))}
    </ul>
  );
}
