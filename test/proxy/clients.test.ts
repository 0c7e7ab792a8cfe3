/** Clients in a crowd: whose connection is closed, and that nothing is lost count of. */
import assert from 'node:assert/strict';
import { EventEmitter, getEventListeners } from 'node:events';
import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { noClients } from '../../src/control/gauges.ts';
import { type ClientBoundEvent, EventBus } from '../../src/events.ts';
import type { RequestPermit } from '../../src/proxy/client.ts';
import { ClientConnection } from '../../src/proxy/client-connection.ts';
import { Clients, type ClientsPolicy } from '../../src/proxy/clients.ts';
import { roomForAll } from '../support/client-limits.ts';
import { never } from '../support/never.ts';
import { runs } from '../support/runs.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** One connection, and the reply on it. */
class Caller {
  readonly socket = new PassThrough();
  readonly connection: ClientConnection;
  readonly address: string;
  readonly reader: { waitingSince: number | null } = { waitingSince: null };
  permit: RequestPermit | null = null;
  #response: EventEmitter | null = null;

  constructor(address: string, clock: VirtualClock) {
    this.address = address;
    this.connection = new ClientConnection(this.socket, clock);
  }

  get isOpen(): boolean {
    return !this.socket.destroyed;
  }

  get isBusy(): boolean {
    return this.#response !== null;
  }

  /** A request has come, and its reply begins; `waits`: for the origin. */
  begin({ waits = false } = {}): this {
    this.#response = new EventEmitter();
    void this.connection.turnOf(this.#response as unknown as ServerResponse);
    this.reader.waitingSince = waits ? 0 : null;
    this.connection.sends(this.reader);
    return this;
  }

  end(): void {
    this.permit?.release();
    this.permit = null;
    const response = this.#response;
    this.#response = null;
    response?.emit('close');
  }
}

function hall(policy: Partial<ClientsPolicy>) {
  const clock = new VirtualClock();
  const events = new EventBus();
  const told: ClientBoundEvent[] = [];
  events.subscribe((event) => event.type === 'client-bound' && told.push(event));
  const clients = new Clients({ ...roomForAll, ...policy, clock, events });
  const come = (address: string) => {
    const caller = new Caller(address, clock);
    caller.socket.once('close', () => clients.remove(caller.connection));
    const admission = clients.admit(caller.connection, address);
    if (admission === 'dropped') caller.socket.destroy();
    return Object.assign(caller, { admission });
  };
  return { clock, clients, come, told: () => told.map(({ client, bound, action }) => `${client} ${bound} ${action}`) };
}

const [hog, viewer] = ['192.168.1.66', '192.168.1.7'];
const ten = { clientConnections: () => 10 };

describe('where all connections together are as many as there are descriptors', () => {
  for (const [what, crowd, action] of [
    ['are idle', () => {}, 'closed-idle'],
    ['are paused films', (caller: Caller) => caller.begin(), 'closed-stalled'],
  ] as const) {
    it(`and those of one client ${what}, the longest idle of them gives way to each that comes`, async () => {
      const { clock, come, told } = hall(ten);
      const first = come(viewer).begin();
      const callers = [];
      for (let count = 0; count < 9; count += 1) {
        const caller = come(hog);
        crowd(caller);
        callers.push(caller);
        await clock.advance(1000);
      }
      await clock.advance(20_000);
      const second = come(viewer).begin();
      const third = come('192.168.1.8');
      assert.deepEqual([second.admission, third.admission, first.isOpen], ['served', 'served', true]);
      assert.deepEqual(
        callers.map(({ isOpen }) => isOpen),
        [false, false, true, true, true, true, true, true, true],
      );
      assert.deepEqual(told(), Array(2).fill(`${hog} descriptors ${action}`));
    });
  }

  it('an idle connection goes before a paused film, whoever has it', async () => {
    const { clock, come } = hall(ten);
    const films = Array.from({ length: 9 }, () => come(hog).begin());
    await clock.advance(60_000);
    const idle = come(viewer);
    await clock.advance(1000);
    assert.equal(come('192.168.1.8').admission, 'served');
    assert.deepEqual([idle.isOpen, films.every(({ isOpen }) => isOpen)], [false, true]);
  });

  it('and all take what they are given, the one that has most loses its quietest to one that has fewer', async () => {
    const { clock, come, told } = hall(ten);
    const films = Array.from({ length: 10 }, () => come(hog).begin());
    await clock.advance(500);
    for (const film of films.slice(1)) film.connection.progressed();
    assert.equal(come(viewer).admission, 'served');
    assert.deepEqual([films[0]?.isOpen, films.filter(({ isOpen }) => isOpen).length], [false, 9]);
    assert.deepEqual(told(), [`${hog} descriptors closed-busy`]);
  });

  it('a client takes no film from one that has no more than itself', async () => {
    const { come, told } = hall({ clientConnections: () => 4 });
    const films = [hog, hog, viewer, viewer].map((address) => come(address).begin({ waits: true }));
    const fifth = come(viewer);
    assert.deepEqual([fifth.admission, films.every(({ isOpen }) => isOpen)], ['dropped', true]);
    assert.deepEqual(told(), [`${viewer} descriptors refused`]);
  });

  it('a connection that has just come is not taken for an idle one', async () => {
    const { clock, come } = hall(ten);
    const films = Array.from({ length: 9 }, () => come(hog).begin());
    await clock.advance(500);
    const fresh = come(viewer);
    for (const address of ['192.168.1.8', '192.168.1.9', hog]) come(address);
    assert.deepEqual([fresh.isOpen, films.filter(({ isOpen }) => isOpen).length], [true, 7]);
  });

  it('one that waits for its origin is not taken for a paused one', async () => {
    const { clock, come } = hall({ clientConnections: () => 2 });
    const waits = come(hog).begin({ waits: true });
    await clock.advance(60_000);
    const paused = come(hog).begin();
    await clock.advance(10_000);
    come(viewer);
    assert.deepEqual([waits.isOpen, paused.isOpen], [true, false]);
  });

  it('a crowd of a thousand addresses loses those that have been idle the longest', async () => {
    const { clock, come } = hall(ten);
    const callers = [];
    for (let count = 0; count < 1000; count += 1) {
      callers.push(come(`10.0.${count >> 8}.${count & 255}`));
      await clock.advance(1);
    }
    assert.deepEqual(callers.map(({ isOpen }) => isOpen).lastIndexOf(false), 989);
    assert.equal(callers.filter(({ isOpen }) => isOpen).length, 10);
  });

  it('those who are being refused go first of all', async () => {
    const { come } = hall({ clientConnections: () => 4, connectionsPerClient: 2 });
    for (let count = 0; count < 2; count += 1) come(hog).begin({ waits: true });
    const refused = come(hog);
    const film = come(viewer);
    assert.deepEqual([refused.admission, refused.isOpen], ['refused', true]);
    assert.deepEqual([come('192.168.1.8').admission, refused.isOpen, film.isOpen], ['served', false, true]);
  });
});

const everyOutcome = [
  'connections closed-idle',
  'connections closed-stalled',
  'connections refused',
  'descriptors closed-busy',
  'descriptors closed-idle',
  'descriptors closed-stalled',
  'descriptors refused',
  'requests closed-stalled',
  'requests queued',
  'requests refused',
];

describe('whatever clients do', () => {
  const policy = { connectionsPerClient: 3, requestsPerClient: 2, clientConnections: () => 7, queueTimeout: 5000 };

  /** What happens to one of the callers, or to a new one. */
  const step = fc.record({
    what: fc.constantFrom('come', 'come', 'begin', 'begin', 'end', 'close', 'progress', 'pass'),
    which: fc.nat(9),
    waits: fc.boolean(),
    time: fc.constantFrom(0, 1, 999, 5000, 10_000),
  });

  it('no bound is passed, each is met, what is counted is what there is, and nothing is left', async () => {
    const met = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 60, maxLength: 120 }), async (steps) => {
        const { clock, clients, come, told } = hall(policy);
        const callers: Caller[] = [];
        const open = () => callers.filter(({ isOpen }) => isOpen);
        const requests: Promise<void>[] = [];
        for (const { what, which, waits, time } of steps) {
          const caller = open().at(which % Math.max(1, open().length));
          if (what === 'come') callers.push(come(`192.168.1.${which % 3}`));
          else if (what === 'pass') await clock.advance(time);
          else if (caller === undefined) continue;
          else if (what === 'begin' && !caller.isBusy) {
            caller.begin({ waits });
            const { connection, address } = caller;
            const entered = clients.enter(connection, address, [], connection.gone).then(
              (permit) => {
                if (caller.isOpen) caller.permit = permit;
                else permit?.release();
              },
              () => {},
            );
            requests.push(entered);
          } else if (what === 'end' && caller.permit !== null) caller.end();
          else if (what === 'close') caller.socket.destroy();
          else if (what === 'progress') caller.connection.progressed();
          await clock.settle();
          for (const gone of callers.filter(({ isOpen, isBusy }) => !isOpen && isBusy)) gone.end();
          const seen = clients.look();
          assert.ok(seen.mostConnections <= 3 && seen.mostRequests <= 2, JSON.stringify(seen));
          assert.ok(seen.connections.idle + seen.connections.busy <= 7, JSON.stringify(seen));
          for (const { permit, connection } of open()) {
            if (permit !== null) assert.equal(getEventListeners(connection.gone, 'abort').length, 0);
          }
          assert.ok(open().length >= seen.connections.idle + seen.connections.busy, JSON.stringify(seen));
        }
        for (const line of told()) met.add(line.replace(/^\S+ /, ''));
        for (const { socket } of callers) socket.destroy();
        await clock.settle();
        await clock.advanceUntil(Promise.all(requests));
        for (const caller of callers) caller.end();
        await clock.settle();
        assert.deepEqual(clients.look(), { ...noClients, connectionLimit: 7 });
        assert.equal(clock.pending, 0, 'a timer is left');
      }),
      { numRuns: runs(100), seed: 7 },
    );
    assert.deepEqual([...met].sort(), everyOutcome);
  });
});

describe('what a client had', () => {
  const one = { requestsPerClient: 1 };

  it('is a request less at once where a stalled one gave way, whose connection is closed', async () => {
    const { clock, clients, come } = hall({ ...one, clientConnections: () => 10 });
    const paused = come(viewer);
    paused.permit = await clients.enter(paused.connection, viewer, [], never);
    paused.begin();
    await clock.advance(10_000);
    const next = come(viewer);
    assert.ok(await clients.enter(next.connection, viewer, [], never));
    assert.deepEqual([paused.isOpen, clients.look().requests], [false, { underway: 1, queued: 0 }]);
  });

  it('is nothing where its only connection found no room', () => {
    const { clients, come } = hall({ clientConnections: () => 2 });
    for (const address of [hog, viewer]) come(address).begin({ waits: true });
    const before = clients.look().clients;
    assert.equal(come('192.168.1.8').admission, 'dropped');
    assert.equal(clients.look().clients, before);
  });

  it('is nothing where its request comes by a proxy that has left', async () => {
    const trustedProxies = [{ address: hog, prefix: 32, family: 'ipv4' }] as const;
    const { clients, come } = hall({ trustedProxies });
    const { connection } = come(hog);
    const before = clients.look().clients;
    const left = AbortSignal.abort(new Error('gone'));
    await assert.rejects(clients.enter(connection, hog, [['x-forwarded-for', viewer]], left), /gone/);
    assert.equal(clients.look().clients, before);
  });

  it('is no connection more where a rejected one closed', (t) => {
    const { come } = hall({ clientConnections: () => 4, connectionsPerClient: 1 });
    come(viewer).begin({ waits: true });
    const rejected = Array.from({ length: 3 }, () => come(viewer));
    const closings = rejected.map(({ connection, socket }) => {
      socket.emit('close');
      return t.mock.method(connection, 'close');
    });
    assert.equal(come(hog).admission, 'served');
    assert.deepEqual(
      closings.map(({ mock }) => mock.callCount()),
      [0, 0, 0],
    );
  });

  it('makes room once: a rejected connection that gave way does not give way again', () => {
    const { clients, come } = hall({ clientConnections: () => 2, connectionsPerClient: 1 });
    come(viewer).begin({ waits: true });
    const admissions = [viewer, '192.168.1.8', '192.168.1.9'].map((address) => come(address).admission);
    assert.deepEqual(admissions, ['refused', 'served', 'dropped']);
    assert.deepEqual(clients.look().connections, { idle: 1, busy: 1 });
  });
});

describe('a connection', () => {
  it('waits for nobody between two replies', async () => {
    const clock = new VirtualClock();
    const caller = new Caller(viewer, clock).begin();
    await clock.advance(1000);
    assert.equal(caller.connection.stalledSince, 0);
    caller.end();
    assert.equal(caller.connection.stalledSince, null);
  });

  it('keeps no pipelined request waiting once its client has gone', async () => {
    const clock = new VirtualClock();
    const { connection, socket } = new Caller(viewer, clock);
    const responses = [new EventEmitter(), new EventEmitter()] as unknown as ServerResponse[];
    const turns = responses.map((response) => connection.turnOf(response));
    socket.destroy();
    await Promise.all(turns);
    assert.ok(connection.gone.aborted);
  });
});
