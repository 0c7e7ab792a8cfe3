/**
 * What the kernel of Linux tells in files: of this process, and of this run of the machine. This is the one file that reads
 * `/proc`; elsewhere, each of these is `null`.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** The soft limit of open files, as it is written: a number or `unlimited`. */
export function openFileLimit(): string | null {
  return /^Max open files +(\S+)/m.exec(read('/proc/self/limits') ?? '')?.[1] ?? null;
}

/** How many files and connections the process has open. */
export function openDescriptors(): number | null {
  try {
    // One of them is the directory that is read here.
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return null;
  }
}

/** Names this run of the machine: another after each restart. */
export function bootId(): string | null {
  return read('/proc/sys/kernel/random/boot_id')?.trim() ?? null;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
