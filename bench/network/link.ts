/** The link as a process: what it is like, what it has carried, and how programs are started at its far end. */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { python } from '../../test/players/gstreamer.ts';
import { type Program, start } from '../../test/players/program.ts';
import type { LinkProfile } from './profiles.ts';

/** What went one way since the link was last set: packets and bytes as they are on the wire, with all headers. */
interface Carried {
  readonly packets: number;
  readonly bytes: number;
  /** By the profile's loss or outage. */
  readonly lost: number;
  /** By its full queue. */
  readonly dropped: number;
  /** How many left 5 ms or more after their time, because the machine was busy, and by how much at most, in seconds. */
  readonly late: number;
  readonly latest: number;
}

export interface LinkCounts {
  /** Towards the player. */
  readonly down: Carried;
  readonly up: Carried;
}

/** What went one way in several times that follow each other. */
export function added(times: readonly Carried[]): Carried {
  const sum = (of: (one: Carried) => number) => times.reduce((total, one) => total + of(one), 0);
  return {
    packets: sum(({ packets }) => packets),
    bytes: sum(({ bytes }) => bytes),
    lost: sum(({ lost }) => lost),
    dropped: sum(({ dropped }) => dropped),
    late: sum(({ late }) => late),
    latest: Math.max(0, ...times.map(({ latest }) => latest)),
  };
}

/** No packet passes. */
export const dead = 'dead';
/** Packets pass at once. */
export const open = 'open';

export class Link implements AsyncDisposable {
  /** The address of the far end. */
  readonly far: string;
  readonly #program: Program;
  readonly #answers: AsyncIterator<string>;

  private constructor(far: string, program: Program, answers: AsyncIterator<string>) {
    this.far = far;
    this.#program = program;
    this.#answers = answers;
  }

  /** From the network namespace of this process, which must be its own, to another one. */
  static async start(): Promise<Link> {
    const program = start(python, [join(import.meta.dirname, 'link.py')], undefined, ['pipe', 'pipe', 'pipe']);
    const answers = createInterface({ input: program.process.stdout ?? process.stdin })[Symbol.asyncIterator]();
    const { far } = JSON.parse(await next(answers, program)) as { far: string };
    return new Link(far, program, answers);
  }

  /** The link is like that from now on: outages and luck begin with this moment. Gives the counts up to it. */
  become(profile: LinkProfile | typeof dead | typeof open, seed = 0): Promise<LinkCounts> {
    return this.#ask(commandOf(profile, seed));
  }

  counts(): Promise<LinkCounts> {
    return this.#ask({});
  }

  /** Starts a program at the far end. */
  startFar(command: string, args: readonly string[], stdio?: Parameters<typeof start>[3]): Program {
    // nsenter becomes the program, so that the process is still ours to end.
    return start('nsenter', [`--net=/proc/${this.#program.process.pid}/ns/net`, command, ...args], undefined, stdio);
  }

  async #ask(command: object): Promise<LinkCounts> {
    (this.#program.process.stdin as Writable).write(`${JSON.stringify(command)}\n`);
    return JSON.parse(await next(this.#answers, this.#program)) as LinkCounts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#program.process.stdin?.end();
    await this.#program.ended;
  }
}

async function next(answers: AsyncIterator<string>, program: Program): Promise<string> {
  const { value, done } = await answers.next();
  if (done) throw new Error(`the link ended with ${await program.ended}: ${program.errors()}`);
  return value;
}

/** In the units of link.py: bytes and seconds, half of the round trip each way. */
function commandOf(profile: LinkProfile | typeof dead | typeof open, seed: number): object {
  const idle = { rate: 0, queue: 0, delay: 0, jitter: 0, loss: 0, every: 0, dead: 0 };
  if (profile === open) return { down: idle, up: idle, mtu: 1500, seed };
  if (profile === dead) return { down: { ...idle, loss: 1 }, up: { ...idle, loss: 1 }, mtu: 1500, seed };
  const { roundTrip, jitter = 0, loss = 0, outage = { every: 0, dead: 0 }, queue, packet = 1500 } = profile;
  const way = { queue, delay: roundTrip / 2000, loss, every: outage.every / 1000, dead: outage.dead / 1000 };
  return {
    down: { ...way, rate: profile.down / 8, delay: (roundTrip - jitter) / 2000, jitter: jitter / 1000 },
    up: { ...way, rate: profile.up / 8, jitter: 0 },
    mtu: packet,
    seed,
  };
}
