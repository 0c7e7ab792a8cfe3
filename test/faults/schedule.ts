/**
 * What happens in one simulation, told by its seed alone: the settings, the film and its versions, the network, what the
 * origin does to each request, what befalls everybody at certain times, and what the viewers do.
 *
 * A schedule is of one of three kinds. In a `calm` one nothing goes wrong. In a `mendable` one everything that goes
 * wrong can be mended within the budgets: whoever stays gets the whole. In a `wild` one anything may happen: replies may
 * be cut and requests refused, but no byte may be wrong.
 */
import type { Behaviour } from '../support/behaviour.ts';
import type { Leaving } from '../support/client.ts';
import { Chance } from './chance.ts';
import { type DrawnSettings, settingsOf } from './settings.ts';

/** How versions are told apart: by entity tags, by a weak one, by a date that never changes, or not at all. */
export type Identity = 'tag' | 'weak tag' | 'date' | 'nothing';

/** A film under the same target; versions differ in every byte. */
interface Version {
  readonly size: number;
  readonly seed: number;
}

/** Something that happens at a time, in milliseconds. */
export type Incident = { readonly at: number } & (
  | { readonly kind: 'cut'; readonly how: 'end' | 'reset' }
  /** Connections are refused for a while; those that are there break. */
  | { readonly kind: 'outage'; readonly for: number }
  /** firstbyte is stopped and started again on the same store. */
  | { readonly kind: 'restart' }
  /** The next version stands in the place of the film. */
  | { readonly kind: 'publish' }
  /** From now on the origin behaves like this, for a while. */
  | { readonly kind: 'mood'; readonly behaviour: Behaviour; readonly for: number }
);

export interface ViewerPlan {
  readonly at: number;
  /** As it stands in a Range field, without `bytes=`; `null` for a request without one. */
  readonly range: string | null;
  readonly method: 'GET' | 'HEAD';
  /** Bytes a second; `null` for as fast as they come. */
  readonly rate: number | null;
  /** Stops reading, for a while. */
  readonly pause: { readonly after: number; readonly for: number } | null;
  /** Asks so many times at once, one request behind the other on the same connection. */
  readonly times: number;
  /** Goes away so many milliseconds after asking, or when so many bytes of any kind have come; `null` where it stays. */
  readonly leaves: (({ readonly after: number } | { readonly atByte: number }) & { readonly how: Leaving }) | null;
}

/** A second base with the same films, which it calls by other tags. */
interface MirrorPlan {
  /** What its first requests meet with, in order. */
  readonly fates: readonly Behaviour[];
  /** How long after the first base it has the next version, in milliseconds. */
  readonly lag: number;
}

export interface Schedule {
  readonly seed: number;
  readonly kind: 'calm' | 'mendable' | 'wild';
  readonly versions: readonly [Version, ...Version[]];
  readonly identity: Identity;
  readonly rate: number;
  readonly delay: number;
  readonly settings: DrawnSettings;
  /** What the first requests meet with, in order; those after them are answered honestly. */
  readonly fates: readonly Behaviour[];
  readonly incidents: readonly Incident[];
  readonly viewers: readonly ViewerPlan[];
  readonly mirror: MirrorPlan | null;
}

/** Everything but the viewers begins within this time, in milliseconds. */
const span = 20_000;

/** Nobody waits for the end of a film that is larger than this: there a viewer takes pieces, or goes away. */
export const largestWhole = 2_000_000;

/** What a store reads and writes at once, in bytes. */
const block = 256 * 1024;

/** An hour, in milliseconds. */
const longPause = 3_600_000;

export function scheduleOf(seed: number): Schedule {
  const schedule = drawn(seed);
  const { fates, incidents, mirror } = schedule;
  if (!behavioursOf(schedule).some(({ framing }) => framing === 'close')) return schedule;
  // A body that ends with its connection: neither a clean cut nor what comes after its end can be told, by anyone.
  const hard = <T extends Behaviour>({ surplus: _, ...fate }: T) =>
    ({ ...fate, ...(fate.cutBy === 'end' ? { cutBy: 'reset' } : {}) }) as T;
  return {
    ...schedule,
    fates: fates.map(hard),
    mirror: mirror === null ? null : { ...mirror, fates: mirror.fates.map(hard) },
    incidents: incidents.map((incident) => {
      if (incident.kind === 'mood') return { ...incident, behaviour: hard(incident.behaviour) };
      return incident.kind === 'cut' ? { ...incident, how: 'reset' } : incident;
    }),
  };
}

/** The command that plays a schedule again, and the settings that belong to it. */
export function replayOf({ seed, settings }: Schedule): string {
  const { budgets, written, ...others } = settings;
  const drawn = Object.entries({ ...others, ...budgets, ...written }).map(
    ([name, value]) => `${name} ${value ?? 'any'}`,
  );
  return `npm run simulate -- --seed ${seed}    # ${drawn.join(', ')}`;
}

/** Everything that the bases do in a schedule, other than what it should. */
export function behavioursOf({ fates, incidents, mirror }: Schedule): Behaviour[] {
  return [
    ...fates,
    ...(mirror?.fates ?? []),
    ...incidents.flatMap((incident) => (incident.kind === 'mood' ? [incident.behaviour] : [])),
  ];
}

function drawn(seed: number): Schedule {
  const chance = new Chance(seed);
  // Neighbouring seeds begin alike.
  for (let skipped = 0; skipped < 4; skipped += 1) chance.next();
  const kind = chance.one<Schedule['kind']>(['calm', 'mendable', 'mendable', 'wild', 'wild', 'wild']);
  const size = sizeOf(kind, chance);
  const reach = Math.max(1, Math.min(size, largestWhole));
  const versions: [Version, ...Version[]] = [{ size, seed: 1 }];
  if (kind === 'wild' && chance.is(0.6)) versions.push(...nextVersions(size, chance));
  const schedule = {
    seed,
    kind,
    versions,
    identity:
      kind === 'wild' ? chance.one<Identity>(['tag', 'tag', 'weak tag', 'date', 'date', 'nothing']) : ('tag' as const),
    // The slowest film takes some twenty seconds.
    rate: chance.is(0.25) ? Number.POSITIVE_INFINITY : Math.max(reach / 20, chance.about(50_000, 4_000_000)),
    delay: chance.one([0, 0, 5, 80]),
    settings: settingsOf(seed, kind),
    fates: fatesOf(kind, reach, chance),
    incidents: incidentsOf(kind, versions.length - 1, reach, chance).sort((a, b) => a.at - b.at),
  };
  const viewers = chance.many(1, 5, (index) => viewerOf(index, size, chance));
  if (chance.is(0.3)) viewers.push(...crowdOf(size, chance));
  viewers.sort((a, b) => a.at - b.at);
  return { ...schedule, viewers, mirror: chance.is(0.35) ? mirrorOf(kind, reach, chance) : null };
}

/** Mostly that of a film of some blocks; also none, a few bytes, one block and its neighbours, and more than anyone stores. */
function sizeOf(kind: Schedule['kind'], chance: Chance): number {
  if (chance.is(0.8)) return chance.about(1000, 1_500_000);
  // Who asks for a piece and is given the whole of something huge is no viewer.
  if (kind !== 'wild' && chance.is(0.3)) return chance.about(100_000_000, 50_000_000_000);
  return chance.one([0, 1, 2, 7, 100, block - 1, block, block + 1, 4 * block]);
}

function mirrorOf(kind: Schedule['kind'], size: number, chance: Chance): MirrorPlan {
  const fates = kind === 'mendable' ? [] : fatesOf(kind, size, chance);
  return { fates, lag: chance.one([0, 0, chance.between(0, span), 600_000]) };
}

function fatesOf(kind: Schedule['kind'], size: number, chance: Chance): Behaviour[] {
  if (kind === 'calm') return [];
  return kind === 'wild' ? chance.many(0, 8, () => wildFate(size, chance)) : mendableFates(size, chance);
}

function nextVersions(size: number, chance: Chance): Version[] {
  return chance.many(1, 2, (index) => ({
    size: chance.one([size, size, size + chance.between(1, 100_000), Math.max(1, size - chance.between(1, 100_000))]),
    seed: index + 2,
  }));
}

/** Cuts, resets and stalls in mid-body, and answers of a server that is busy or waking up. */
function mendableFate(size: number, chance: Chance): Behaviour {
  const after = chance.about(1, size);
  switch (chance.one(['cut', 'cut', 'stall', 'status', 'hang up', 'late', 'fine'])) {
    case 'cut':
      return { cutAfter: after, cutBy: chance.one(['end', 'reset']) };
    case 'stall':
      return { stallAfter: after, ...(chance.is(0.5) ? { stallFor: chance.between(1000, 60_000) } : {}) };
    case 'status':
      return { status: chance.one([503, 502, 429]), ...(chance.is(0.3) ? { fields: { 'retry-after': '1' } } : {}) };
    case 'hang up':
      return { hangUp: chance.one(['end', 'reset']) };
    case 'late':
      return { headAfter: chance.between(1, 4000), bodyAfter: chance.between(0, 1000) };
    default:
      return {};
  }
}

/** No more of those that bring no byte than the budget for a first byte outlasts. */
function mendableFates(size: number, chance: Chance): Behaviour[] {
  let fruitless = 4;
  return chance.many(1, 10, () => {
    const fate = mendableFate(size, chance);
    if (fate.cutAfter === undefined && fate.stallAfter === undefined) fruitless -= 1;
    return fruitless >= 0 ? fate : {};
  });
}

/** Anything that a server was ever seen to do. */
function wildFate(size: number, chance: Chance): Behaviour {
  switch (chance.one(['mendable', 'mendable', 'lie', 'status', 'framing', 'silence', 'rangeless', 'trickle'])) {
    case 'lie':
      return lie(chance);
    case 'status':
      return {
        status: chance.one([500, 503, 403, 404, 410, 429, 504, 416]),
        fields: chance.is(0.3) ? { 'retry-after': chance.one(['2', '40', '120']) } : {},
      };
    case 'framing':
      return { framing: chance.one(['chunked', 'close']), ignoreRange: chance.is(0.5), ...reset(size, chance) };
    case 'silence':
      return { headAfter: Number.POSITIVE_INFINITY };
    case 'rangeless':
      return { ignoreRange: true, ...reset(size, chance) };
    case 'trickle':
      return { rate: Math.max(size / 120, chance.about(100, 20_000)), ...reset(size, chance) };
    default:
      return mendableFate(size, chance);
  }
}

function lie(chance: Chance): Behaviour {
  switch (chance.one(['shift', 'no range', 'wrong range', 'parts', 'coded', 'surplus', 'if-range'])) {
    case 'shift':
      return { shift: chance.one([1, 1024, 65_536]) };
    case 'no range':
      return { fields: { 'content-range': null } };
    case 'wrong range':
      return { fields: { 'content-range': chance.one(['bytes 0-9/5', 'bytes 1-', 'bytes */*', 'bytes 7-4/9']) } };
    case 'parts':
      return { fields: { 'content-type': 'multipart/byteranges; boundary=x' } };
    case 'coded':
      return { fields: { 'content-encoding': 'gzip' } };
    case 'surplus':
      return { surplus: chance.about(1, 10_000) };
    default:
      return { ignoreIfRange: true };
  }
}

/** Perhaps a cut, but none that looks like the end of a body. */
function reset(size: number, chance: Chance): Behaviour {
  return chance.is(0.4) ? { cutAfter: chance.about(1, size), cutBy: 'reset' } : {};
}

function incidentsOf(kind: Schedule['kind'], newVersions: number, size: number, chance: Chance): Incident[] {
  if (kind === 'calm') return [];
  const at = () => chance.between(0, span);
  const incidents: Incident[] = chance.many(0, 3, () => ({ at: at(), kind: 'cut', how: chance.one(['end', 'reset']) }));
  if (chance.is(0.3)) {
    incidents.push({ at: at(), kind: 'outage', for: chance.between(100, kind === 'wild' ? 60_000 : 8000) });
  }
  if (kind === 'mendable') return incidents;
  for (let version = 0; version < newVersions; version += 1) incidents.push({ at: at(), kind: 'publish' });
  if (chance.is(0.4)) incidents.push({ at: at(), kind: 'restart' });
  if (chance.is(0.4)) {
    incidents.push({ at: at(), kind: 'mood', behaviour: wildFate(size, chance), for: chance.between(1000, 60_000) });
  }
  return incidents;
}

function viewerOf(index: number, size: number, chance: Chance): ViewerPlan {
  const reach = Math.min(size, largestWhole);
  return {
    at: index === 0 ? 0 : chance.between(0, span),
    range: rangeOf(size, chance),
    method: chance.is(0.06) ? 'HEAD' : 'GET',
    rate: chance.is(0.6) ? null : Math.max(reach / 30, chance.about(30_000, 2_000_000)),
    pause: chance.is(0.15)
      ? { after: chance.between(0, 5000), for: chance.is(0.2) ? longPause : chance.between(1000, 120_000) }
      : null,
    times: chance.is(0.1) ? chance.between(2, 4) : 1,
    leaves: chance.is(0.25) ? leavingOf(reach, chance) : null,
  };
}

/** As it stands in a Range field; of something huge only pieces. */
function rangeOf(size: number, chance: Chance): string | null {
  const start = chance.between(0, Math.max(0, size - 1));
  const end = Math.max(start, Math.min(size - 1, start + chance.between(0, largestWhole / 2)));
  const last = chance.between(1, Math.max(1, Math.min(size, largestWhole)));
  if (size > largestWhole) return chance.one([`${start}-${end}`, `${start}-${end}`, `-${last}`]);
  return chance.one([
    null,
    '0-',
    '0-',
    `${start}-`,
    `${start}-${chance.between(start, Math.max(start, size - 1))}`,
    `-${last}`,
  ]);
}

/** At any byte: before the head, in it, or of the body. */
function leavingOf(reach: number, chance: Chance): NonNullable<ViewerPlan['leaves']> {
  const how = chance.one<Leaving>(['end', 'reset', 'reset', 'half']);
  if (chance.is(0.4)) return { after: chance.between(0, 10_000), how };
  return { atByte: chance.one([0, 1, chance.between(1, 600), chance.between(1, reach + 600)]), how };
}

/** Many who take a part and go, one after another, also when everything is stored. */
function crowdOf(size: number, chance: Chance): ViewerPlan[] {
  const at = chance.between(0, 3 * span);
  const reach = Math.min(size, largestWhole);
  const whole = size > largestWhole ? `0-${largestWhole - 1}` : '0-';
  return chance.many(4, 16, () => ({
    at: at + chance.between(0, span),
    range: chance.one([whole, rangeOf(size, chance)]),
    method: 'GET',
    rate: chance.is(0.7) ? null : chance.about(30_000, 2_000_000),
    pause: null,
    times: 1,
    leaves: leavingOf(reach, chance),
  }));
}
