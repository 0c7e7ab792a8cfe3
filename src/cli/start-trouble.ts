/** Why a firstbyte could not start, in one sentence that ends with the way out. */
import type { Settings } from '../config.ts';
import { StoreError } from '../store/store.ts';
import { CommandError } from './exit-codes.ts';

export function startTrouble(error: unknown, settings: Settings): CommandError {
  if (error instanceof StoreError) return new CommandError('store', storeSentence(error, settings.cacheDir));
  if (error instanceof Error && 'syscall' in error && /^(listen|bind|getaddrinfo)$/.test(String(error.syscall))) {
    return new CommandError('listen', listenSentence(error));
  }
  return new CommandError('failed', `Cannot start: ${error instanceof Error ? error.stack : error}`);
}

const another = 'choose another directory with --cache-dir';

function storeSentence({ code, message, cause }: StoreError, directory: string): string {
  const said = cause instanceof Error ? cause.message : message.replace(/\.$/, '');
  switch (code) {
    case 'EBUSY': {
      const process = /process (\d+)/.exec(message)?.[1];
      const owner = process === undefined ? '' : ` (process ${process})`;
      return `Another firstbyte${owner} uses the cache directory ${directory}: stop it, or ${another}.`;
    }
    case 'EACCES':
    case 'EROFS':
      return `No permission to write the cache directory ${directory}: give it to the user that runs firstbyte, or ${another}.`;
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EEXIST':
      return `${directory} cannot be a directory: ${another}.`;
    case 'ENOSPC':
    case 'EDQUOT':
      return `No space for the cache directory ${directory}: free some, or ${another}.`;
    default:
      return `Cannot use the cache directory ${directory} (${said}): ${another}.`;
  }
}

interface ListenError extends Error {
  readonly code?: unknown;
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
}

function listenSentence({ code, message, address = '', port, hostname }: ListenError): string {
  const isSocket = address.startsWith('/');
  if (isSocket && code !== 'EADDRINUSE') {
    return `Cannot listen on unix:${address}: its folder has to be there, and writable. Choose another path with --listen.`;
  }
  const host = address.includes(':') ? `[${address}]` : address;
  const place = isSocket ? `unix:${address}` : port === undefined ? host : `${host}:${port}`;
  switch (code) {
    case 'EADDRINUSE':
      return `Cannot listen on ${place}: another program uses it. Stop that, or choose another address with --listen.`;
    case 'EACCES':
      return `No permission to listen on ${place}: choose another address with --listen, such as a port above 1023.`;
    case 'EADDRNOTAVAIL':
      return `Cannot listen on ${place}: this machine has no such address. Choose one of its own with --listen.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `Cannot listen on ${hostname}: the name has no address. Choose an address with --listen.`;
    default:
      return `Cannot listen (${message}): choose another address with --listen.`;
  }
}
