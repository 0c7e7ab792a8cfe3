/** Errors of the system as people say them, without codes, calls and paths. */

const words: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a folder',
  ENAMETOOLONG: 'the name is too long',
  EACCES: 'no permission',
  EPERM: 'no permission',
  EROFS: 'it is on a read-only disk',
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'no space left on the disk',
  EADDRINUSE: 'another program uses it',
  EADDRNOTAVAIL: 'this machine has no such address',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no way to the host',
  ENETUNREACH: 'no way to the network',
  ETIMEDOUT: 'timed out',
  ENOTFOUND: 'the name has no address',
  EAI_AGAIN: 'no answer from the name server',
};

/** To follow a colon, in one line without a full stop; the error's own message where it is no known one of the system. */
export function errorWords(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const message = error instanceof Error ? error.message : String(error);
  return words[code] ?? message.replaceAll(/\s+/g, ' ').replace(/\.$/, '');
}
