/**
 * Plays one schedule through the whole of firstbyte, on virtual time, and judges what came of it.
 *
 * Whatever happens: no byte is wrong or of another version than those before it, no reply ends cleanly that is not
 * whole, nobody waits longer than the budgets allow, nothing breaks inside, and nothing is left behind. Where all that
 * went wrong can be mended, everybody who stays gets the whole. When it is over, the next viewer is served.
 */
import assert from 'node:assert/strict';
import type { Timer } from '../../src/clock.ts';
import type { Client } from '../support/client.ts';
import type { Exchange } from '../support/exchange.ts';
import type { Behaviour } from '../support/http-origin-server.ts';
import { pieceSize } from '../support/pace.ts';
import type { VirtualRig } from '../support/rig.ts';
import { behavioursOf, type Incident, largestWhole, type Schedule, type ViewerPlan } from './schedule.ts';
import { filmOf, identified, mirrored, mirrorTagOf, placeOf, rigFor, tagOf } from './simulation-rig.ts';
import { type KnownVersion, Witness } from './witness.ts';

/** The most that one network read brings: where a fetch has rested. Else it brings 20 ms worth at most. */
const largestRead = 64 * 1024;

/** What is asked of a base that names a film otherwise, before it goes on with it. */
const mostCompared = 384 * 1024;

/** An entry begins anew at most this often for one request, each time with a budget of its own. */
const mostFills = 4;

/** After this long without trouble, an origin that was given up is asked again, in milliseconds. */
const convalescence = 300_000;

/** What the bytes themselves take at most, from the slowest origin to the slowest viewer, in milliseconds. */
const longestTransfer = 1_200_000;

/** A block of the store, which is fetched anew where it was there in part, in bytes. */
const block = 256 * 1024;

interface Viewer {
  readonly plan: ViewerPlan;
  readonly client: Client;
  readonly exchange: Exchange;
  readonly witness: Witness;
}

export interface Figures {
  readonly requests: number;
  /** How many replies ended in each way. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly bytesSent: number;
  readonly bytesFetched: number;
}

/** Rejects with an `AssertionError` where anything was wrong. */
export async function simulate(schedule: Schedule): Promise<Figures> {
  const place = await placeOf(schedule);
  try {
    const simulation = new Simulation(schedule, await rigFor(schedule, place.options));
    const figures = await simulation.run();
    await simulation.close();
    return figures;
  } finally {
    await place.clear();
  }
}

class Simulation {
  readonly #schedule: Schedule;
  readonly #rig: VirtualRig;
  readonly #viewers: Viewer[] = [];
  readonly #pauses: Timer[] = [];
  readonly #versions: KnownVersion[];
  /** By whatever name any base gives them. */
  readonly #known: KnownVersion[];
  #current = 0;
  #mood: Behaviour = {};

  constructor(schedule: Schedule, rig: VirtualRig) {
    this.#schedule = schedule;
    this.#rig = rig;
    this.#versions = schedule.versions.map((version) => {
      const film = filmOf(version);
      return { film, tag: tagOf(film, schedule.identity) };
    });
    const others = schedule.mirror === null ? [] : this.#versions.map(({ film }) => ({ film, tag: mirrorTagOf(film) }));
    this.#known = [...this.#versions, ...others];
  }

  async run(): Promise<Figures> {
    await this.#play();
    await this.#endAll(this.#viewers);
    for (const viewer of this.#viewers) await this.#judge(viewer);
    for (const { client } of this.#viewers) client.leave();
    for (const timer of this.#pauses) timer.cancel();
    await this.#rig.assertNothingLent();
    await this.#serveTheNext();
    await this.#assertAtRest();
    this.#assertSparing();
    assert.deepEqual(this.#rig.eventsOf('bug'), [], 'nothing breaks inside');
    return this.#figures();
  }

  async close(): Promise<void> {
    const rig = this.#rig;
    await rig.close();
    // What is on its way through the network falls out at its other end.
    await rig.clock.advance(this.#schedule.delay);
    const open = rig.networks.reduce((sum, { relay, origin }) => sum + relay.open + origin.open, 0);
    const left = { connections: open, timers: rig.clock.pending };
    assert.deepEqual(left, { connections: 0, timers: 0 }, 'nothing is left behind');
  }

  /** Everything that the schedule has, in its order. */
  async #play(): Promise<void> {
    const { incidents, viewers } = this.#schedule;
    const acts = [
      ...incidents.map((incident) => ({ at: incident.at, act: () => this.#befall(incident) })),
      ...incidents.flatMap((incident) =>
        'for' in incident ? [{ at: incident.at + incident.for, act: () => this.#relieve(incident) }] : [],
      ),
      ...viewers.map((plan) => ({ at: plan.at, act: () => this.#send(plan) })),
    ].sort((one, other) => one.at - other.at);
    for (const { at, act } of acts) {
      await this.#rig.clock.advance(Math.max(0, at - this.#rig.clock.now()));
      await act();
    }
  }

  async #befall(incident: Incident): Promise<void> {
    const { network } = this.#rig;
    switch (incident.kind) {
      case 'cut':
        return network.relay.cut(incident.how);
      case 'outage':
        network.down = true;
        return network.relay.cut();
      case 'restart':
        return this.#rig.restart();
      case 'publish':
        this.#current += 1;
        this.#mirror(this.#current);
        return this.#behave();
      case 'mood':
        this.#mood = incident.behaviour;
        return this.#behave();
    }
  }

  #relieve(incident: Incident): void {
    if (incident.kind === 'outage') this.#rig.network.down = false;
    if (incident.kind !== 'mood') return;
    this.#mood = {};
    this.#behave();
  }

  #behave(): void {
    const { film } = this.#versions[this.#current] ?? assert.fail('More was published than there is.');
    const { fields } = identified(film, this.#schedule.identity);
    this.#rig.origin.always({ film, ...this.#mood, fields: { ...fields, ...this.#mood.fields } });
  }

  /** The mirror has a version too, after its lag. */
  #mirror(version: number): void {
    const { mirror } = this.#schedule;
    const { film } = this.#versions[version] ?? assert.fail('More was published than there is.');
    if (mirror === null) return;
    this.#rig.clock.after(mirror.lag, () => this.#rig.networks[1]?.origin.always(mirrored(film)));
  }

  #send(plan: ViewerPlan): void {
    const { clock } = this.#rig;
    const client = this.#rig.player(plan.rate === null ? {} : { rate: plan.rate });
    const saysLengths = behavioursOf(this.#schedule).every(({ framing = 'length' }) => framing === 'length');
    const { method, range, pause, leaves, times } = plan;
    const witnesses = Array.from({ length: times }, () => {
      const witness = new Witness(this.#known, clock, { saysLengths });
      const exchange = client.get('/films/film.mp4', { method, film: witness, ...(range === null ? {} : { range }) });
      witness.watch(exchange);
      // The verdict is asked for at the end.
      exchange.done().catch(() => {});
      this.#viewers.push({ plan, client, exchange, witness });
      return witness;
    });
    if (leaves !== null && 'after' in leaves) clock.after(leaves.after, () => client.leave(leaves.how));
    else if (leaves?.atByte === 0) client.leave(leaves.how);
    else if (leaves !== null) client.leaveAt(leaves.atByte, leaves.how);
    if (pause === null) return;
    this.#pauses.push(
      clock.after(pause.after, () => client.pause()),
      clock.after(pause.after + pause.for, () => {
        for (const witness of witnesses) witness.forgive();
        client.resume();
      }),
    );
  }

  /** Every exchange comes to its end, in whatever way, within all that it may wait for. */
  async #endAll(viewers: readonly Viewer[]): Promise<void> {
    const { clock } = this.#rig;
    const pauses = viewers.map(({ plan }) => plan.pause?.for ?? 0);
    const requests = Math.max(...viewers.map(({ plan }) => plan.times));
    const limit = Math.max(...pauses) + requests * (longestTransfer + this.#mostHeadless + this.#mostSilent);
    const waiting = () => viewers.filter(({ exchange }) => exchange.outcome === null);
    await clock
      .advanceUntil(() => waiting().length === 0, { limit })
      .catch((error: Error) => {
        const waits = waiting().map(({ plan: { method, range }, exchange }) =>
          exchange.status === null
            ? `${method} ${range} has no head`
            : `${method} ${range} got ${exchange.bodyBytes} bytes`,
        );
        assert.fail(`A wait without end: ${waits.join(', ')}. Lent: ${this.#rig.lentInWords()}. ${error.message}`);
      });
  }

  /** How long a head may not come while nothing comes from the origin, in milliseconds. */
  get #mostHeadless(): number {
    const { kind, viewers, settings } = this.#schedule;
    const asked = viewers.reduce((sum, { times }) => sum + times, 0);
    const queue = settings.maxConnections < asked ? settings.budgets.queue : 0;
    return (kind === 'wild' ? mostFills : 1) * (settings.budgets.firstByte + queue);
  }

  /** The same of the next byte. */
  get #mostSilent(): number {
    const { heal, queue } = this.#schedule.settings.budgets;
    return heal + queue + this.#mostHeadless;
  }

  async #judge({ plan, exchange, witness }: Viewer): Promise<void> {
    // Rejects with what the witness found wrong.
    if ((await exchange.done()) === 'complete') witness.assertWhole();
    this.#assertInTime(plan, exchange, witness);
    if (this.#schedule.kind === 'wild' || plan.leaves !== null) return;
    const got = `${exchange.status}, ${exchange.outcome} after ${exchange.bodyBytes} bytes: ${exchange.text.slice(0, 200)}`;
    assert.ok(exchange.outcome === 'complete' && this.#isRight(exchange.status), `${plan.range} got ${got}`);
  }

  /** Whether a status is one of those that somebody gets who gets what there is; of nothing there is no range. */
  #isRight(status: number | null): boolean {
    return (
      status === 200 || status === 206 || (status === 416 && this.#schedule.versions.some(({ size }) => size === 0))
    );
  }

  /** Where nothing comes from the origin, nobody waits longer than the budgets say. */
  #assertInTime(plan: ViewerPlan, { times }: Exchange, { moments }: Witness): void {
    // A request that was sent with others waits for them as well; that all of them end is known by now.
    if (plan.times > 1) return;
    const most = this.#mostHeadless + (plan.pause?.for ?? 0);
    const endAt = times.endAt ?? Number.NaN;
    const headless = this.#longestStandstill(times.sentAt, times.headAt ?? endAt, []);
    assert.ok(headless <= most, `no head for ${headless} ms; no more than ${most} ms are allowed`);
    const silence = this.#longestStandstill(times.headAt ?? endAt, endAt, moments);
    assert.ok(silence <= this.#mostSilent + (plan.pause?.for ?? 0), `silence of ${silence} ms in mid-reply`);
  }

  /** The longest time between two moments at which something moved: a byte landed, or one of `others`. */
  #longestStandstill(from: number, to: number, others: readonly number[]): number {
    const landed = this.#rig.eventsOf('bytes-landed').map(({ at }) => at);
    const moments = [...landed, ...others].filter((at) => at > from && at < to).sort((a, b) => a - b);
    return [...moments, to].reduce(({ longest, last }, at) => ({ longest: Math.max(longest, at - last), last: at }), {
      longest: 0,
      last: from,
    }).longest;
  }

  /** When all is well again, whoever comes is served: at the second asking where the first met what had changed. */
  async #serveTheNext(): Promise<void> {
    const { network, networks, clock } = this.#rig;
    network.down = false;
    this.#mood = {};
    this.#behave();
    for (const base of networks) base.origin.forgetNext();
    await clock.advance(convalescence + (this.#schedule.mirror?.lag ?? 0));
    const { versions } = this.#schedule;
    const range = versions[0].size > largestWhole ? `0-${largestWhole}` : '0-';
    const plan = { at: 0, range, method: 'GET', rate: null, pause: null, times: 1, leaves: null } as const;
    const tries = versions.length === 1 ? 1 : 2;
    for (let count = 1; count <= tries; count += 1) {
      this.#send(plan);
      const viewer = this.#viewers.at(-1) ?? assert.fail();
      await this.#endAll([viewer]);
      await this.#judge(viewer);
      const { status, outcome, bodyBytes, text } = viewer.exchange;
      if (outcome === 'complete' && this.#isRight(status)) return;
      assert.ok(count < tries, `the next viewer got ${status}, ${outcome} after ${bodyBytes}: ${text.slice(0, 200)}`);
    }
  }

  /** When nobody is there any more, no connection is either. */
  async #assertAtRest(): Promise<void> {
    for (const { client } of this.#viewers) client.leave();
    await this.#rig.clock.advance(convalescence);
    for (const { origin } of this.#rig.networks) assert.equal(origin.open, 0, 'no connection is kept for nobody');
  }

  /** Where nothing changed and ranges can be had, the origin gives the film, and one read more at each seam. */
  #assertSparing(): void {
    const { kind, versions, viewers, fates, incidents, mirror, settings } = this.#schedule;
    if (kind === 'wild' || settings.room !== null) return;
    const faults = fates.length + incidents.length;
    const read = Math.min(largestRead, 2 * pieceSize(this.#schedule.rate));
    const compared = mirror === null ? 0 : 2 * mostCompared;
    const unfinished = settings.store === 'disk' ? block * viewers.length : 0;
    const most = versions[0].size + largestRead + read * (faults + viewers.length) + compared + unfinished;
    const { bytesFetched } = this.#rig;
    assert.ok(bytesFetched <= most, `${bytesFetched} bytes came for a film of ${versions[0].size}`);
  }

  #figures(): Figures {
    const outcomes: Record<string, number> = {};
    for (const { exchange } of this.#viewers) {
      const { status } = exchange;
      const name = exchange.outcome === 'complete' ? `${status}` : `${exchange.outcome}`;
      outcomes[name] = (outcomes[name] ?? 0) + 1;
    }
    return {
      requests: this.#rig.networks.reduce((sum, { origin }) => sum + origin.requests.length, 0),
      outcomes,
      bytesSent: this.#viewers.reduce((sum, { exchange }) => sum + exchange.bodyBytes, 0),
      bytesFetched: this.#rig.bytesFetched,
    };
  }
}
