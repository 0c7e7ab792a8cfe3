/** The shell around the views: title, navigation, connection state and notices. */
import type { ComponentType } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { speedWords } from '../src/kit/amounts.ts';
import { askForToken, wasWrong, wrong } from './api/token.ts';
import { FirstByte } from './first-byte/first-byte.tsx';
import { Library } from './library/library.tsx';
import { Now } from './now/now.tsx';
import { Origins } from './origins/origins.tsx';
import { State, type StateWords } from './parts/phase.tsx';
import { TokenDialog } from './parts/token-dialog.tsx';
import { announcement, notice } from './state/announce.ts';
import { fills, pauseBetween, speedIn, speedOut } from './state/fills.ts';
import { useFresh } from './state/keep-fresh.ts';
import { type Connection, connection, restartedAt } from './state/live.ts';
import { linkTo, route, type ViewName, viewNames } from './state/route.ts';
import { TryIt } from './try-it/try-it.tsx';
import { timeOfDay } from './words/times.ts';

const views: Readonly<Record<ViewName, readonly [title: string, view: ComponentType]>> = {
  now: ['Now', Now],
  'first-byte': ['First byte', FirstByte],
  library: ['Library', Library],
  origins: ['Origins', Origins],
  'try-it': ['Try it', TryIt],
};

export function Page() {
  useFresh(fills, { every: pauseBetween });
  const { view } = route.value;
  const [title, View] = views[view];
  const heading = useRef<HTMLHeadingElement>(null);
  const first = useRef(true);
  useEffect(() => {
    document.title = `${title} · firstbyte`;
    // After a change of view, reading continues at its heading. A page that opens is read from its top.
    if (!first.current) heading.current?.focus();
    first.current = false;
  }, [title]);
  return (
    <>
      <button type="button" class="skip" onClick={() => heading.current?.focus()}>
        To the content
      </button>
      <header class="top">
        <span class="brand">firstbyte</span>
        <nav aria-label="Views">
          {viewNames.map((name) => (
            <a key={name} href={linkTo(name)} aria-current={name === view ? 'page' : undefined}>
              {views[name][0]}
            </a>
          ))}
        </nav>
        <p class="pulse">
          <span class="speeds">
            <span>
              <span class="unseen">in </span>
              <span aria-hidden="true">↓</span> {speedWords(speedIn.value)}
            </span>
            <span>
              <span class="unseen">out </span>
              <span aria-hidden="true">↑</span> {speedWords(speedOut.value)}
            </span>
          </span>
          <ConnectionState />
        </p>
      </header>
      <main>
        <Banner />
        <Notice />
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        <View />
      </main>
      <p class="unseen" role="status">
        {announcement.value}
      </p>
      <TokenDialog />
    </>
  );
}

const connectionWords: Readonly<Record<Connection['state'], StateWords>> = {
  connecting: ['connecting', 'wait', 'clock'],
  live: ['live', 'good', 'check'],
  lost: ['not connected', 'bad', 'cross'],
  refused: ['password needed', 'wait', 'lock'],
};

function ConnectionState() {
  return <State of={connectionWords[connection.value.state]} />;
}

function Banner() {
  const now = connection.value;
  if (now.state === 'lost') {
    return (
      <p class="banner bad">
        No answer from firstbyte since {timeOfDay(new Date(now.since).toISOString())}. You see the last known state.
        Reconnecting…
      </p>
    );
  }
  if (now.state === 'refused') {
    const why = wasWrong.value ? wrong : 'Enter the password to continue.';
    return (
      <p class="banner wait">
        {why}{' '}
        <button type="button" onClick={() => void askForToken(why)}>
          Enter the password
        </button>
      </p>
    );
  }
  if (restartedAt.value === null) return null;
  return (
    <p class="banner good">
      firstbyte restarted at {timeOfDay(new Date(restartedAt.value).toISOString())}. Connected again.{' '}
      <button
        type="button"
        onClick={() => {
          restartedAt.value = null;
        }}
      >
        Dismiss
      </button>
    </p>
  );
}

/** The result of the user's last action. */
function Notice() {
  const told = notice.value;
  return (
    <div role="status">
      {told !== null && (
        <p class={`banner ${told.tone === 'done' ? 'good' : 'bad'}`}>
          {told.text}{' '}
          <button
            type="button"
            onClick={() => {
              notice.value = null;
            }}
          >
            Dismiss
          </button>
        </p>
      )}
    </div>
  );
}
