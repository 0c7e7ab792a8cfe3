/** The setting that names an origin's refresh hook: a program, or an HTTP endpoint. */
import { type Kind, kind } from './kind.ts';
import { duration } from './values.ts';

export type RefreshSettings = {
  /** For one answer, in milliseconds. */
  readonly timeout: number;
} & ({ readonly command: readonly [string, ...string[]] } | { readonly endpoint: URL });

const defaultTimeout = '10s';
const timeoutType = duration({ atLeast: '1ms' });

const refresh: Kind<RefreshSettings> = kind(
  {
    description:
      '{"command": ["/path/program", "argument"]} with an absolute path, or {"endpoint": "http://…"}, ' +
      'and perhaps a "timeout" such as 10s',
    unit: 'text',
    placeholder: 'HOOK',
  },
  read,
);

/** Its place in the table of an origin's settings. */
export const refreshRow = {
  type: refresh,
  default: `none; its \`timeout\` is ${defaultTimeout}`,
  sentence:
    'Who says where a target is to be had now, where URLs or credentials expire: see docs/guide/expiring-urls.md.',
} as const;

function read(raw: unknown): RefreshSettings | undefined {
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw)) return undefined;
  const { command, endpoint, timeout: written = defaultTimeout, ...unknown } = raw as Record<string, unknown>;
  const timeout = timeoutType.read(written);
  if (timeout === undefined || Object.keys(unknown).length > 0) return undefined;
  if (command !== undefined && endpoint !== undefined) return undefined;
  const program = readCommand(command);
  if (program !== undefined) return { command: program, timeout };
  const url = readEndpoint(endpoint);
  return url === undefined ? undefined : { endpoint: url, timeout };
}

function readEndpoint(endpoint: unknown): URL | undefined {
  const url = typeof endpoint === 'string' ? URL.parse(endpoint) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hash !== '') return undefined;
  try {
    decodeURIComponent(url.username + url.password);
    return url;
  } catch {
    return undefined;
  }
}

function readCommand(command: unknown): readonly [string, ...string[]] | undefined {
  if (!Array.isArray(command) || command.some((word) => typeof word !== 'string' || word.includes('\0'))) {
    return undefined;
  }
  const [program, ...rest] = command as string[];
  return program?.startsWith('/') ? [program, ...rest] : undefined;
}
