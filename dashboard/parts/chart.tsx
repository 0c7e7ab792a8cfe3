/**
 * Lines over the last hour, drawn by uPlot in the page's colours. Screen readers read `summary`.
 *
 * The plot is made once and gets new rows. It is made again when its lines or the colours of the page change. uPlot is
 * loaded with the first chart, because it takes longer to load than the rest of the page.
 */
import { useLayoutEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { darkness } from './darkness.ts';

interface Line {
  readonly label: string;
  /** The name of a colour of the page, such as `--line-1`. */
  readonly colour: string;
  readonly dashed?: boolean;
}

interface ChartProps {
  readonly title: string;
  readonly summary: string;
  readonly lines: readonly Line[];
  /** Moments in seconds, then the values of each line at them. */
  readonly rows: uPlot.AlignedData;
  readonly text: (value: number) => string;
  readonly height?: number;
}

export function Chart({ title, summary, lines, rows, text, height = 160 }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(rows);
  latest.current = rows;
  const dark = darkness.value;
  const shape = JSON.stringify(lines);
  useLayoutEffect(() => {
    const element = place.current;
    if (element === null) return;
    let gone = false;
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    void import('uplot').then(({ default: Plot }) => {
      if (gone) return;
      plot.current = new Plot(optionsFor(element, lines, text, height), latest.current, element);
      observer.observe(element);
    });
    return () => {
      gone = true;
      observer.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape, height, dark]);
  useLayoutEffect(() => plot.current?.setData(rows), [rows]);
  return (
    <figure class="chart">
      <figcaption>
        {title}
        <span class="lines" aria-hidden="true">
          {lines.map(({ label, dashed }, index) => (
            <span key={label} class={`line line-${index + 1}${dashed ? ' dashed' : ''}`}>
              {label}
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={place} role="img" style={{ height: `${height}px` }} aria-label={`${title}: ${summary}`} />
    </figure>
  );
}

function optionsFor(
  element: Element,
  lines: readonly Line[],
  text: (value: number) => string,
  height: number,
): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis: uPlot.Axis = {
    stroke: colour('--quiet'),
    grid: { stroke: colour('--rule'), width: 1 },
    ticks: { stroke: colour('--rule'), width: 1, size: 4 },
    font: `11px ${style.fontFamily}`,
  };
  return {
    width: element.clientWidth,
    height,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      // The whole hour, also while there is less to show: with a few seconds, each mark would have the same time.
      x: { range: (plot: uPlot) => hourUntil(plot.data[0]?.at(-1) ?? 0) },
      y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] },
    },
    axes: [
      {
        ...axis,
        space: 80,
        size: 30,
        values: (_, moments) => moments.map(momentText),
      },
      { ...axis, space: 18, size: 64, incrs: wholeSteps, values: (_, values) => values.map(text) },
    ],
    series: [
      {},
      ...lines.map(({ label, colour: name, dashed = false }) => ({
        label,
        stroke: colour(name),
        width: 1.5,
        ...(dashed && { dash: [4, 3] }),
        spanGaps: false,
        points: {
          show: true,
          size: 4,
          fill: colour(name),
          filter: (plot: uPlot, series: number) => lonely(plot.data[series] ?? []),
        },
      })),
    ],
  };
}

/** In seconds; the last sample stands a little before the end, so that it is seen whole. */
function hourUntil(last: number): [number, number] {
  return [last - 3540, last + 60];
}

/** Marks of an axis stand no closer than 1 ms or 1 B: closer ones would have the same text. */
const wholeSteps = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

/** The places of values without a neighbour: a line needs two. */
function lonely(values: ArrayLike<number | null | undefined>): number[] {
  return Array.from(values, (_, place) => place).filter(
    (place) => values[place] != null && values[place - 1] == null && values[place + 1] == null,
  );
}

function momentText(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}
