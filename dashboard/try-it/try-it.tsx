/** *Try it*: plays a title through firstbyte's own media path, and shows its requests step by step. */
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Happening } from '../api/happening.ts';
import { ByteMap, MapLegend } from '../now/byte-map.tsx';
import { FillState } from '../parts/phase.tsx';
import { Untrusted } from '../parts/untrusted.tsx';
import { fills } from '../state/fills.ts';
import { useFresh } from '../state/keep-fresh.ts';
import { onHappening } from '../state/live.ts';
import { origins } from '../state/origins.ts';
import { route } from '../state/route.ts';
import { isSound, mediaPathFor } from './media-path.ts';
import { Player } from './player.tsx';
import { remember, timelinesOf } from './timelines.ts';
import { Waterfall } from './waterfall.tsx';

interface Trial {
  readonly origin: string;
  /** The path from which the player loads it. */
  readonly path: string;
  /** The path in events: below its origin, without the query. */
  readonly target: string;
  /** In wall-clock time. */
  readonly since: number;
}

export function TryIt() {
  useFresh(origins, { on: [] });
  const asked = route.value.query.get('url') ?? '';
  const [pasted, setPasted] = useState(asked);
  const [problem, setProblem] = useState<string | null>(null);
  const [trial, setTrial] = useState<Trial | null>(null);
  const id = useId();
  const known = origins.value.value?.origins;

  const play = (words: string) => {
    const found = mediaPathFor(words, known ?? [], location.origin);
    setProblem('problem' in found ? found.problem : null);
    if ('problem' in found) return;
    const { origin, path } = found;
    const target = new URL(path, location.origin).pathname.slice(origin.length + 1);
    setTrial({ origin, path, target, since: Date.now() });
  };
  const started = useRef(false);
  // A link to this view names a URL. Its path is known once the origins are.
  useEffect(() => {
    if (started.current || asked === '' || known === undefined) return;
    started.current = true;
    play(asked);
  }, [asked, known]);

  return (
    <>
      <form
        class="try"
        onSubmit={(event) => {
          event.preventDefault();
          play(pasted);
        }}
      >
        <label for={id}>Address of a film</label>
        <div class="line">
          <input
            id={id}
            type="text"
            inputMode="url"
            autocomplete="off"
            spellcheck={false}
            placeholder={exampleFor(known ?? [])}
            value={pasted}
            aria-invalid={problem !== null}
            aria-describedby={`${id}-problem`}
            onInput={(event) => setPasted(event.currentTarget.value)}
          />
          <button type="submit" class="primary" disabled={known === undefined}>
            Play
          </button>
        </div>
        <p id={`${id}-problem`} class="problem" role="alert">
          {problem !== null && <Untrusted text={problem} />}
        </p>
      </form>
      {trial !== null && <TrialView key={trial.since} trial={trial} />}
    </>
  );
}

function TrialView({ trial }: { trial: Trial }) {
  const { origin, path, target, since } = trial;
  const [happenings, setHappenings] = useState<readonly Happening[]>([]);
  useEffect(
    () =>
      onHappening((happening) => setHappenings((known) => remember(known, happening, { origin, path: target, since }))),
    [origin, target, since],
  );
  const timelines = timelinesOf(happenings);
  const fill = fills.value.value?.fills.find((each) => each.origin === origin && each.path === target);
  return (
    <>
      <Player path={path} sound={isSound(path)} />
      {fill !== undefined && (
        <section class="card" aria-label="Its download">
          <FillState fill={fill} />
          <ByteMap fill={fill} />
          <MapLegend />
        </section>
      )}
      <section class="card" aria-labelledby="requests">
        <h2 id="requests">Requests</h2>
        {timelines.length === 0 ? (
          <p class="hint">A request appears here with its first byte, or at its end.</p>
        ) : (
          <ol class="waterfalls">
            {timelines.map((timeline) => (
              <Waterfall key={timeline.request} timeline={timeline} />
            ))}
          </ol>
        )}
      </section>
    </>
  );
}

function exampleFor(known: readonly { readonly base: string }[]): string {
  const [first] = known;
  return first === undefined ? '/films/holiday.mp4' : `${first.base.replace(/\/$/, '')}/holiday.mp4`;
}
