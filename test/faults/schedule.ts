/**
 * What happens in one simulation, told by its seed alone: the film and its versions, the network, what the origin does
 * to each request, what befalls everybody at certain times, and what the viewers do.
 *
 * A schedule is of one of three kinds. In a `calm` one nothing goes wrong. In a `mendable` one everything that goes
 * wrong can be mended within the budgets: whoever stays gets the whole. In a `wild` one anything may happen: replies may
 * be cut and requests refused, but no byte may be wrong.
 */
import type { Behaviour } from '../support/behaviour.ts';
import { Chance } from './chance.ts';

/** How versions are told apart: by entity tags, by a weak one, by a date that never changes, or not at all. */
export type Identity = 'tag' | 'weak tag' | 'date' | 'nothing';

/** A film under the same target; versions differ in every byte. */
export interface Version {
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
  /** Goes away so many milliseconds after asking. */
  readonly leaveAfter: number | null;
}

/** A second base with the same films, which it calls by other tags. */
export interface MirrorPlan {
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
  /** As it stands in the configuration. */
  readonly readAhead: string;
  readonly maxConnections: number;
  /** What the first requests meet with, in order; those after them are answered honestly. */
  readonly fates: readonly Behaviour[];
  readonly incidents: readonly Incident[];
  readonly viewers: readonly ViewerPlan[];
  readonly mirror: MirrorPlan | null;
}

/** Everything but the viewers begins within this time, in milliseconds. */
const span = 20_000;

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
  const size = chance.about(1000, 1_500_000);
  const versions: [Version, ...Version[]] = [{ size, seed: 1 }];
  if (kind === 'wild' && chance.is(0.6)) versions.push(...nextVersions(size, chance));
  const schedule = {
    seed,
    kind,
    versions,
    identity:
      kind === 'wild' ? chance.one<Identity>(['tag', 'tag', 'weak tag', 'date', 'date', 'nothing']) : ('tag' as const),
    // The slowest film takes some twenty seconds.
    rate: chance.is(0.25) ? Number.POSITIVE_INFINITY : Math.max(size / 20, chance.about(50_000, 4_000_000)),
    delay: chance.one([0, 0, 5, 80]),
    readAhead: chance.one(['64KiB', '256KiB', '1MiB', '64MiB']),
    // Who queues behind stalled connections may wait too long for their turn.
    maxConnections: kind === 'mendable' ? 32 : chance.one([1, 2, 32, 32, 32]),
    fates: fatesOf(kind, size, chance),
    incidents: incidentsOf(kind, versions.length - 1, size, chance).sort((a, b) => a.at - b.at),
    viewers: chance.many(1, 5, (index) => viewerOf(index, size, chance)).sort((a, b) => a.at - b.at),
  };
  return { ...schedule, mirror: chance.is(0.35) ? mirrorOf(kind, size, chance) : null };
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
      return { rate: Math.max(size / 600, chance.about(100, 20_000)), ...reset(size, chance) };
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
  const start = chance.between(0, size - 1);
  return {
    at: index === 0 ? 0 : chance.between(0, span),
    range: chance.one([
      null,
      '0-',
      '0-',
      `${start}-`,
      `${start}-${chance.between(start, size - 1)}`,
      `-${chance.between(1, size)}`,
    ]),
    method: chance.is(0.06) ? 'HEAD' : 'GET',
    rate: chance.is(0.6) ? null : Math.max(size / 30, chance.about(30_000, 2_000_000)),
    pause: chance.is(0.15) ? { after: chance.between(0, 5000), for: chance.between(1000, 120_000) } : null,
    leaveAfter: chance.is(0.2) ? chance.between(0, 10_000) : null,
  };
}
