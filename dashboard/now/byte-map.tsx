/** The byte map of one fill: the whole file, and a close view where the whole is too large to show the read-ahead. */
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { FillReport, Span } from '../../src/control/answers.ts';
import { sizeWords } from '../../src/kit/amounts.ts';
import { darkness } from '../parts/darkness.ts';
import { closeUp } from './byte-columns.ts';
import { drawMap } from './draw-map.ts';
import { type MapScene, sceneOf, sceneText } from './map-scene.ts';

export function ByteMap({ fill }: { fill: FillReport }) {
  const scene = sceneOf(fill);
  const focus = scene.players[0] ?? scene.cursors[0];
  const close = focus === undefined ? null : closeUp(focus, scene.length);
  return (
    <figure class="byte-map" role="img" aria-label={sceneText(scene)}>
      <MapCanvas scene={scene} view={[0, scene.length]} close={close} />
      <Scale view={[0, scene.length]} end={scene.lengthKnown ? sizeWords(scene.length) : 'length unknown'} />
      {close !== null && (
        <>
          <MapCanvas scene={scene} view={close} close={null} />
          <Scale view={close} end={sizeWords(close[1])} middle="near the player" />
        </>
      )}
    </figure>
  );
}

const signs = {
  present: 'cached',
  ahead: 'ahead of the player',
  gap: 'missing',
  player: 'sent to the player',
  landing: 'downloading',
} as const;

/** The legend of the maps. */
export function MapLegend() {
  return (
    <p class="map-legend" aria-hidden="true">
      {Object.entries(signs).map(([sign, words]) => (
        <span key={sign}>
          <span class={`sign ${sign}`} /> {words}
        </span>
      ))}
    </p>
  );
}

function MapCanvas({ scene, view, close }: { scene: MapScene; view: Span; close: Span | null }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const draw = useRef(() => {});
  draw.current = () => {
    if (canvas.current !== null) drawMap(canvas.current, scene, view, close);
  };
  const dark = darkness.value;
  useLayoutEffect(() => draw.current(), [scene, view[0], view[1], dark]);
  useEffect(() => {
    if (canvas.current === null) return;
    const observer = new ResizeObserver(() => draw.current());
    observer.observe(canvas.current);
    return () => observer.disconnect();
  }, []);
  return <canvas ref={canvas} />;
}

function Scale({ view, end, middle }: { view: Span; end: string; middle?: string }) {
  return (
    <div class="scale">
      <span>{sizeWords(view[0])}</span>
      {middle !== undefined && <span>{middle}</span>}
      <span>{end}</span>
    </div>
  );
}
