/** What was seen, for people to read. */
import { Series } from '../../bench/figures.ts';
import { type Screening, type Seeks, type Way, ways } from './screening.ts';

/** A table in Markdown: a row for each way, with the ratio of the medians to direct. */
export function tableOf(seeks: Readonly<Record<Way, Seeks>>): string {
  const direct = seriesOf(seeks.direct);
  const rows = ways.map((way) => {
    const { sought, trouble } = seeks[way];
    const series = seriesOf(seeks[way]);
    const [median, most] = [series?.median, series?.values.at(-1)].map((value) => value?.toFixed(0) ?? '-');
    const ratio = series && direct ? (series.median / direct.median).toFixed(2) : '-';
    return [way, sought.length, median, most, ratio, trouble?.trim().replaceAll('\n', ' ') ?? 'none'];
  });
  const head = ['way', 'seeks', 'median', 'longest', 'median / direct', 'trouble'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function countsOf({ size, fetched, present, kept, verified }: Screening): string {
  const mebibytes = (bytes: number) => `${(bytes / (1024 * 1024)).toFixed(1)} MiB`;
  const share = ((fetched / size) * 100).toFixed(1);
  return [
    `fetched ${mebibytes(fetched)} of ${mebibytes(size)} (${share} %)`,
    `compared with the film, and right: ${mebibytes(present)}, after a restart ${mebibytes(kept)}`,
    `verify: ${mebibytes(verified.bytes)} checked, ${verified.bad} bad`,
  ].join('; ');
}

function seriesOf({ sought }: Seeks): Series | null {
  return sought.length > 0 ? new Series(sought.map(({ resumedAfter }) => resumedAfter)) : null;
}
