/**
 * What the operator has every request to an origin carry: fields, credentials, cookies, a user agent.
 *
 * A secret need not stand in the file: `{"env": "NAME"}` takes it from a variable, `{"file": "PATH"}` from a file
 * (its last line end left out). No problem and no source repeats what was found there.
 */
import { type Fields, isFieldText, operatorFieldName } from '../http/fields.ts';
import { errorWords } from '../kit/system-words.ts';
import { basicCredentials } from './base-url.ts';
import { isObject, kind, object, record, type ValueOf } from './kind.ts';

/** Where a secret stands. */
type Source = { readonly env: string } | { readonly file: string };

const sourceWords = '{"env": "NAME"} or {"file": "PATH"}';

const source = kind({ description: sourceWords, unit: 'text', placeholder: 'SOURCE' }, readSource);

const text = kind({ description: `a text, ${sourceWords}`, unit: 'text', placeholder: 'TEXT' }, (raw) =>
  isFieldValue(raw) ? raw : readSource(raw),
);

export const fieldName = kind(
  { description: 'the name of a field that firstbyte does not set itself', unit: 'text', placeholder: 'NAME' },
  (raw) => (typeof raw === 'string' ? (operatorFieldName(raw) ?? undefined) : undefined),
);

const headerWords = `an object of fields by name, each with a text, ${sourceWords}`;

export const headers = record({ description: headerWords, unit: 'text', placeholder: 'FIELDS' }, fieldName, text);

const authWords = `{"basic": {"user": TEXT, "password": SOURCE}} or {"bearer": SOURCE}, where SOURCE is ${sourceWords}`;

const authKind = { description: authWords, unit: 'text', placeholder: 'AUTH' } as const;

const oneOfBoth = object(authKind, {
  basic: object(authKind, { user: text, password: source }, ['user', 'password']),
  bearer: source,
});

export const auth: typeof oneOfBoth = {
  ...authKind,
  read(raw, report) {
    const read = oneOfBoth.read(raw, report);
    if (!isObject(raw) || (raw.basic === undefined) !== (raw.bearer === undefined)) return read;
    report?.({ path: [], raw, right: authWords });
    return undefined;
  },
};

export const cookie = text;

export const userAgent = kind({ description: 'a text', unit: 'text', placeholder: 'TEXT' }, (raw) =>
  isFieldValue(raw) ? raw : undefined,
);

export interface WrittenFields {
  readonly headers?: ValueOf<typeof headers> | undefined;
  readonly auth?: ValueOf<typeof auth> | undefined;
  readonly cookie?: ValueOf<typeof cookie> | undefined;
  readonly userAgent?: string | undefined;
}

/** Where secrets are looked up, and where what is wrong with them is told. */
export interface SecretContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => string;
  readonly problems: string[];
}

/** The fields to send; `at` is the place in the configuration, such as `origins.films`. */
export function operatorFields(written: WrittenFields, at: string, context: SecretContext): Fields {
  const fields: [string, string][] = [];
  const add = (name: string, value: string | null) => value !== null && fields.push([name, value]);
  const find = (what: string | Source, key: string, isRight = isFieldValue) =>
    secretOf(what, `${at}.${key}`, isRight, context);
  for (const [name, value] of Object.entries(written.headers ?? {})) {
    add(name.toLowerCase(), find(value, `headers.${name}`));
  }
  const { basic, bearer } = written.auth ?? {};
  if (basic !== undefined) {
    const user = find(basic.user, 'auth.basic.user');
    const password = find(basic.password, 'auth.basic.password', isPlainText);
    if (user !== null && password !== null) add('authorization', basicCredentials(user, password));
  }
  const token = bearer === undefined ? null : find(bearer, 'auth.bearer');
  if (token !== null) add('authorization', `Bearer ${token}`);
  if (written.cookie !== undefined) add('cookie', find(written.cookie, 'cookie'));
  add('user-agent', written.userAgent ?? null);
  return fields;
}

/** The names that occur more than once, each with its own credentials or words: only one can be meant. */
export function repeatedNames(fields: Fields): string[] {
  const names = fields.map(([name]) => name);
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

function secretOf(
  what: string | Source,
  at: string,
  isRight: (found: unknown) => found is string,
  { env, readFile, problems }: SecretContext,
): string | null {
  if (typeof what === 'string') return what;
  const place = 'env' in what ? `the variable ${what.env}` : `"${what.file}"`;
  let found: string | undefined;
  try {
    found = 'env' in what ? env[what.env] : readFile(what.file).replace(/\r?\n$/, '');
  } catch (error) {
    problems.push(`${at}: ${place} cannot be read: ${errorWords(error)}`);
    return null;
  }
  if (isRight(found)) return found;
  const wrong = found ? 'holds what no header field can carry' : 'is empty or not set';
  problems.push(`${at}: ${place} ${wrong}`);
  return null;
}

function readSource(raw: unknown): Source | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const [[key, value] = ['', null], ...others] = Object.entries(raw);
  if (others.length > 0 || typeof value !== 'string' || value === '' || value.includes('\0')) return undefined;
  if (key === 'env') return { env: value };
  return key === 'file' ? { file: value } : undefined;
}

function isFieldValue(raw: unknown): raw is string {
  return typeof raw === 'string' && isFieldText(raw);
}

/** A text that goes out encoded: anything without control characters. */
function isPlainText(raw: unknown): raw is string {
  return typeof raw === 'string' && /^\P{Cc}+$/u.test(raw);
}
