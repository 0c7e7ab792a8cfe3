/** Two playbacks side by side, as text: a table of moments and a bar for each, on one scale of time. */

/** The moments of a playback, in milliseconds since the film was asked for; `null` where the origin was not asked. */
export interface Timeline {
  readonly connected: number | null;
  readonly originHead: number | null;
  readonly firstByteLanded: number | null;
  readonly firstByteOut: number;
  readonly done: number;
}

/** Colours a text, or leaves it as it is. */
export type Paint = (colour: 'dim' | 'green' | 'cyan', text: string) => string;

const rows: readonly { label: string; at: (timeline: Timeline) => number | null }[] = [
  { label: 'asked', at: () => 0 },
  { label: 'connected to the origin', at: ({ connected }) => connected },
  { label: "origin's head", at: ({ originHead }) => originHead },
  { label: 'first byte landed', at: ({ firstByteLanded }) => firstByteLanded },
  { label: 'first byte out', at: ({ firstByteOut }) => firstByteOut },
  { label: 'done', at: ({ done }) => done },
];

/** Characters. */
const labelWidth = 25;
const columnWidth = 14;
const barWidth = 50;

export function timelinesText(timelines: Readonly<Record<string, Timeline>>, paint: Paint): string {
  const columns = Object.entries(timelines);
  const longest = Math.max(...columns.map(([, { done }]) => done));
  const lines = [
    ''.padEnd(labelWidth) + columns.map(([name]) => name.padStart(columnWidth)).join(''),
    ...rows.map(
      ({ label, at }) => label.padEnd(labelWidth) + columns.map(([, line]) => cell(at(line), paint)).join(''),
    ),
    '',
    ...columns.map(([name, timeline]) => `${name.padEnd(8)}${bar(timeline, longest, paint)}`),
    paint('dim', `${''.padEnd(8)}· waiting   █ playing   ${(longest / 1000 / barWidth).toFixed(2)} s each`),
  ];
  return `${lines.join('\n')}\n`;
}

function cell(moment: number | null, paint: Paint): string {
  if (moment === null) return paint('dim', 'not asked'.padStart(columnWidth));
  return `${moment.toFixed(moment < 100 ? 1 : 0)} ms`.padStart(columnWidth);
}

/** One character a fiftieth of the longest playback; what took any time has at least one. */
function bar({ firstByteOut, done }: Timeline, longest: number, paint: Paint): string {
  const scale = (duration: number) => Math.round((duration / longest) * barWidth);
  const waiting = scale(firstByteOut);
  const playing = Math.max(1, scale(done) - waiting);
  return paint('dim', '·'.repeat(waiting)) + paint('green', '█'.repeat(playing));
}
