/**
 * The player of the page, on firstbyte's own media path. It says in words why it does not play. Captions come with the
 * media, if any.
 */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

const problems: Readonly<Record<number, string>> = {
  1: 'Playback was stopped.',
  2: 'The download stopped: see the requests below for the reason.',
  3: 'The browser could not decode the film.',
  4: 'The browser cannot play this: it does not know the format, or got an error instead of a film.',
};

export function Player({ path, sound }: { path: string; sound: boolean }) {
  const [problem, setProblem] = useState<string | null>(null);
  const player = useRef<(HTMLAudioElement & HTMLVideoElement) | null>(null);
  const Media = sound ? 'audio' : 'video';
  useLayoutEffect(() => {
    const element = player.current;
    // Without this, an invisible element continues to load.
    return () => {
      element?.removeAttribute('src');
      element?.load();
    };
  }, []);
  return (
    <div class="screen">
      <Media
        ref={player}
        aria-label="Player"
        src={path}
        controls
        autoplay
        preload="auto"
        onError={() => setProblem(problems[player.current?.error?.code ?? 4] ?? null)}
      />
      {problem !== null && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}
