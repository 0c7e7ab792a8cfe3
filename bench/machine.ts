/** The machine that was measured on, and what a process on it has used (Linux: read from /proc). */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

/** Seconds of CPU time in one tick of /proc/PID/stat: Linux fixes it at a hundredth for programs. */
const tick = 0.01;

/** A process together with its children (nginx: a master and its workers). */
export class Footprint {
  readonly #pid: number;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** CPU time used so far, in seconds. */
  get cpu(): number {
    return this.#sum((pid) => {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const [, , ...fields] = stat.slice(stat.lastIndexOf(')')).split(' ');
      // Fields 14 and 15 of proc_pid_stat(5): utime and stime; the first one here is field 4.
      return (Number(fields[10]) + Number(fields[11])) * tick;
    });
  }

  /** Memory that is resident now, in bytes. */
  get resident(): number {
    return this.#sum((pid) => Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024);
  }

  /** The most memory that was resident since `resetPeak`, in bytes. */
  get peak(): number {
    return this.#sum((pid) => Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024);
  }

  resetPeak(): void {
    for (const pid of this.#family()) writeFileSync(`/proc/${pid}/clear_refs`, '5');
  }

  #family(): number[] {
    const tasks = readdirSync(`/proc/${this.#pid}/task`);
    const children = tasks.flatMap((task) => {
      const text = readFileSync(`/proc/${this.#pid}/task/${task}/children`, 'latin1').trim();
      return text === '' ? [] : text.split(' ').map(Number);
    });
    return [this.#pid, ...children];
  }

  #sum(of: (pid: number) => number): number {
    return this.#family().reduce((sum, pid) => sum + of(pid), 0);
  }
}

/**
 * The load is what others make of it while nothing is measured yet: with a core's worth of it, times say little. Where the
 * congestion control is BBR, the kernel paces what is sent by timers, also over loopback.
 */
export function machineLine(programs: readonly string[]): string {
  const [first] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const tcp = `TCP ${readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'latin1').trim()}`;
  const node = `Node ${process.versions.node}`;
  const load = `load ${loadavg()[0]?.toFixed(1)}`;
  return [`${cpus().length} x ${first?.model.trim()}`, memory, `Linux ${release()}`, tcp, node, ...programs, load].join(
    ', ',
  );
}
