/** How many files and connections this process may have open, and how many of them are for clients. */
import { openFileLimit } from './proc.ts';

/** The usual soft limit, for systems that do not tell. */
const assumed = 1024;

/** Files of the process itself, its threads and its index, and a few to spare. */
const ownFiles = 64;

/** The most segment files that the store may have open. */
const mostStoreFiles = 16_384;

/** The most connections of clients: a house needs no more, and their memory would be missing elsewhere. */
const mostClientConnections = 10_000;

/** The soft limit, which Node has raised to the hard one by now; `null` where the system does not tell. */
export function descriptorLimit(): number | null {
  if (process.platform === 'win32') return Number.POSITIVE_INFINITY;
  const told = openFileLimit();
  if (told !== null) return read(told);
  // Without this the report looks up the name of every peer.
  Object.assign(process.report, { excludeNetwork: true });
  const report = process.report.getReport() as { readonly userLimits?: Record<string, { readonly soft?: unknown }> };
  return read(report.userLimits?.open_files?.soft);
}

function read(limit: unknown): number | null {
  if (limit === 'unlimited') return Number.POSITIVE_INFINITY;
  const number = Number(limit ?? Number.NaN);
  return Number.isSafeInteger(number) && number > 0 ? number : null;
}

export interface DescriptorPlan {
  /** Segment files that the store may keep open. */
  readonly storeFiles: number;
  /** Connections that all clients may have together. */
  readonly clientConnections: number;
}

/** Divides the descriptors, so that many clients never leave the store and the origins short of them. */
export function planDescriptors(limit: number | null, originConnections: number): DescriptorPlan {
  const all = limit ?? assumed;
  const spare = all - ownFiles - originConnections - mostClientConnections;
  // As many are left to what else runs in this process.
  const storeFiles = Math.max(4, Math.min(mostStoreFiles, Math.max(Math.floor(all / 8), Math.floor(spare / 2))));
  const left = all - ownFiles - storeFiles - originConnections;
  const clientConnections = Math.min(mostClientConnections, Math.max(left, Math.floor(all / 4), 1));
  return { storeFiles, clientConnections };
}
