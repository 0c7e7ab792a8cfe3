/**
 * The player of the page, on firstbyte's own media path. It says in words why it does not play. Captions come with the
 * media, if any.
 */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

const problems: Readonly<Record<number, string>> = {
  1: 'The playback was given up.',
  2: 'The bytes stopped coming: see the requests below for the reason.',
  3: 'The browser could not decode what came.',
  4: 'The browser can not play this: it has no player for its format, or an error came instead of media.',
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
