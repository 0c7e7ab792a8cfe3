/** Finds what was written for each setting, and where: flag before variable before file, which is JSON with comments. */
import stripJsonComments from 'strip-json-comments';
import { errorWords } from '../kit/system-words.ts';
import { showValue, unknownName } from './problems.ts';

/** The names that one setting has in the places where it can be written. */
export interface SettingNames {
  readonly key: string;
  /** `null` for a secret. */
  readonly flag: string | null;
  readonly variable: string;
}

/** Where a value came from, and what was written there, without secrets. */
export interface ValueSource {
  readonly from: 'flag' | 'variable' | 'file' | 'default';
  /** The flag, the variable or the file; empty for a default. */
  readonly name: string;
  readonly text: string;
}

export interface Written {
  readonly raw: unknown;
  readonly source: ValueSource;
}

export interface SettingsInput {
  /** Raw values by key, as they could stand in the file; `config` names the file. */
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly readFile?: (path: string) => string;
}

/**
 * Looks every setting up. Names that nobody knows, and a file that can't be read, become `problems`. Variables that nobody
 * knows become `warnings`: others make them, as Kubernetes does for a service of that name.
 */
export function findWritten(
  names: readonly SettingNames[],
  { flags, env, readFile }: Required<SettingsInput>,
  problems: string[],
  warnings: string[],
): Map<string, Written> {
  const keys = names.map(({ key }) => key);
  const variables = names.map(({ variable }) => variable);
  const path = flags.config ?? (env.FIRSTBYTE_CONFIG || undefined);
  const file = path === undefined ? {} : readConfigFile(String(path), readFile, problems);

  for (const key of unknown(flags, [...keys, 'config'])) problems.push(unknownName(`the flag ${key}`, key, keys));
  for (const variable of unknown(env, [...variables, 'FIRSTBYTE_CONFIG'])) {
    if (!variable.startsWith('FIRSTBYTE_')) continue;
    warnings.push(unknownName(`the variable ${variable} is ignored: it`, variable, variables, 'FIRSTBYTE_'));
  }
  for (const key of unknown(file, keys)) problems.push(unknownName(`${key} (${path})`, key, keys));

  const written = new Map<string, Written>();
  for (const { key, flag, variable } of names) {
    const show = (raw: unknown) => (flag === null ? '***' : showValue(raw));
    const note = (raw: unknown, from: ValueSource['from'], name: string) =>
      written.set(key, { raw, source: { from, name, text: show(raw) } });
    if (flags[key] !== undefined) note(flags[key], 'flag', flag ?? key);
    else if (env[variable]) note(env[variable], 'variable', variable);
    else if (file[key] !== undefined) note(file[key], 'file', String(path));
  }
  return written;
}

function unknown(written: object, known: readonly string[]): string[] {
  return Object.keys(written).filter((name) => !known.includes(name));
}

function readConfigFile(
  path: string,
  readFile: (path: string) => string,
  problems: string[],
): Readonly<Record<string, unknown>> {
  try {
    const content: unknown = JSON.parse(stripJsonComments(readFile(path), { trailingCommas: true }));
    if (typeof content === 'object' && content !== null && !Array.isArray(content)) return { ...content };
    problems.push(`the configuration file ${path} does not hold a JSON object`);
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'is not JSON' : 'cannot be read';
    problems.push(`the configuration file ${path} ${reason}: ${errorWords(error)}`);
  }
  return {};
}
