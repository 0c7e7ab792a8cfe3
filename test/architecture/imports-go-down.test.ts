/** The rule of ARCHITECTURE.md: imports go down only, and what touches the machine does so in one place. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readAllSources, readSources, type SourceFile } from './sources.ts';

const sources = readSources();

/** Anyone above them may import these. */
const leaves = [
  'budgets.ts',
  'clock.ts',
  'errors.ts',
  'events.ts',
  'lent.ts',
  'own-files.ts',
  'proc.ts',
  'showable.ts',
  'system-calls.ts',
  'until-aborted.ts',
  'version.ts',
];
const ports = ['origin/origin.ts', 'store/store.ts', 'store/admin.ts'];

/**
 * What the files of each place may import beside the leaves and their own folder: whole folders (`http/`) or single
 * files. A place that is missing here may not exist.
 */
const mayImport: Record<string, readonly string[]> = {
  'until-aborted.ts': [],
  'clock.ts': [],
  'errors.ts': [],
  'lent.ts': [],
  'own-files.ts': [],
  'proc.ts': [],
  'showable.ts': [],
  'version.ts': [],
  'kit/': [],
  'budgets.ts': ['kit/'],
  'system-calls.ts': [],
  'descriptors.ts': [],
  'console.ts': [],
  'bytes/': [],
  'events.ts': ['bytes/'],
  'log.ts': ['console.ts'],
  'http/': ['bytes/'],
  'origin/': ['http/', 'bytes/'],
  'store/': ['http/', 'bytes/'],
  'media/': ['bytes/'],
  'fill/': [...ports, 'media/', 'http/', 'bytes/'],
  'cache/': ['fill/', ...ports, 'http/', 'bytes/'],
  'admin/': ['media/', 'cache/', 'fill/', ...ports, 'http/', 'bytes/'],
  'proxy/': ['cache/', 'http/', 'bytes/'],
  'control/': ['admin/', 'cache/', 'fill/view.ts', 'http/', 'bytes/'],
  'config/': ['http/'],
  'config.ts': ['config/'],
  'setting-reports.ts': ['control/answers.ts', 'config.ts', 'config/'],
  'listen.ts': ['config.ts', 'http/'],
  'certificate.ts': ['config.ts'],
  'mount.ts': ['admin/', 'cache/', 'fill/', 'origin/', 'http/', 'bytes/', 'config.ts'],
  'mounted-origins.ts': ['mount.ts', 'cache/', ...ports, 'config.ts'],
  'core.ts': [
    'certificate.ts',
    'mounted-origins.ts',
    'mount.ts',
    'descriptors.ts',
    'listen.ts',
    'proxy/',
    'admin/',
    'cache/',
    'origin/',
    'store/',
    'http/',
    'config.ts',
    'log.ts',
  ],
  'daemon.ts': [
    'core.ts',
    'certificate.ts',
    'listen.ts',
    'setting-reports.ts',
    'control/',
    'admin/',
    'config.ts',
    'log.ts',
  ],
  'rehearsal.ts': ['daemon.ts', 'config.ts'],
  'cli/': [
    'control/answers.ts',
    'daemon.ts',
    'rehearsal.ts',
    'mount.ts',
    'descriptors.ts',
    'http/',
    'config.ts',
    'config/',
    'console.ts',
    ...ports,
  ],
  'cli.ts': ['cli/', 'console.ts', 'clock.ts'],
  'embed/': ['core.ts', 'admin/', 'cache/', 'fill/view.ts', ...ports, 'bytes/', 'config.ts', 'log.ts'],
  'testing/': [...ports, 'http/', 'bytes/'],
  'otel/': [],
  'index.ts': ['core.ts', 'daemon.ts', 'embed/', 'config.ts', 'admin/', ...ports, 'http/', 'bytes/'],
};

/** Where each thing that touches the machine, or a package, is used. */
const onePlace: readonly [what: string, pattern: RegExp, place: string][] = [
  ['the environment', /\bprocess\.env\b/, 'config.ts'],
  ['the console', /\bconsole\.\w+\(|\bprocess\.(stdout|stderr)\b/, 'console.ts'],
  ['the clock', /\bperformance\.now\b|\bDate\.now\b|\bnew Date\(\)|\bprocess\.hrtime\b/, 'clock.ts'],
  ['timers', /(?<![.\w])set(Timeout|Interval)\(|\bAbortSignal\.timeout\b|'node:timers/, 'clock.ts'],
  ['koffi', /@koromix/, 'system-calls.ts'],
  ['the descriptor of a socket', /\b_handle\b/, 'system-calls.ts'],
  ["Linux's own files", /['"`]\/proc\//, 'proc.ts'],
  ['SQLite', /from 'node:sqlite'/, 'store/'],
  ['commander', /from 'commander'/, 'cli/'],
  ['zod', /from '[^']*zod/, 'control/'],
  ['prom-client', /from 'prom-client'/, 'control/'],
  ['hono', /from '@?hono/, 'control/'],
  ['OpenTelemetry', /from '@opentelemetry/, 'otel/'],
  ['structured-headers', /from 'structured-headers'/, 'http/'],
];

function placeOf(path: string): string {
  const slash = path.indexOf('/');
  return slash === -1 ? path : path.slice(0, slash + 1);
}

function violations({ path, imports }: SourceFile): string[] {
  const place = placeOf(path);
  const allowed = mayImport[place];
  if (allowed === undefined) return [`${path} lies in a place that the rule does not know`];
  return imports
    .filter(
      (name) => name.endsWith('.ts') && placeOf(name) !== place && !leaves.includes(name) && placeOf(name) !== 'kit/',
    )
    .filter((name) => !allowed.includes(placeOf(name)) && !allowed.includes(name))
    .map((name) => `${path} may not import ${name}`);
}

describe('imports go down', () => {
  test('no file imports what lies above or beside it', () => {
    assert.deepEqual(sources.flatMap(violations), []);
  });

  test('the rule itself has no way back up', () => {
    const order = Object.keys(mayImport);
    for (const [place, allowed] of Object.entries(mayImport)) {
      for (const name of allowed) assert.ok(order.indexOf(placeOf(name)) < order.indexOf(place), `${place} → ${name}`);
    }
  });

  test('only core.ts and mount.ts name adapters', () => {
    const adapters = (name: string) => /^(origin|store)\//.test(name) && !ports.includes(name);
    const namers = sources.filter(({ path, imports }) =>
      imports.some((name) => adapters(name) && placeOf(name) !== placeOf(path)),
    );
    assert.deepEqual(namers.map(({ path }) => path).sort(), ['core.ts', 'mount.ts']);
  });

  test('what every store needs knows no disk', () => {
    const upper = sources.filter(({ path }) => /^store\/[^/]+$/.test(path));
    const downward = upper.filter(({ imports }) => imports.some((name) => name.startsWith('store/disk/')));
    assert.ok(upper.length > 5);
    assert.deepEqual(
      downward.map(({ path }) => path),
      [],
    );
  });

  test('the page takes nothing of src/ but the types of events and answers, and words that import nothing', () => {
    const page = readAllSources().filter(({ path }) => path.startsWith('dashboard/'));
    const words = ['src/kit/amounts.ts', 'src/kit/request-words.ts'];
    const taken = new Set(page.flatMap(({ imports }) => imports.filter((name) => name.startsWith('src/'))));
    assert.deepEqual([...taken].sort(), ['src/control/answers.ts', 'src/events.ts', ...words]);
    for (const { path, code } of page) assert.doesNotMatch(code, /^import (?!type )[^;]*\/src\/(?!kit\/)/m, path);
    for (const { path, code } of readAllSources().filter(({ path }) => words.includes(path))) {
      assert.doesNotMatch(code, /^import (?!type )/m, path);
    }
  });

  test('an import that goes up is noticed', () => {
    assert.deepEqual(
      violations({ path: 'bytes/x.ts', code: '', imports: ['http/fields.ts', 'errors.ts', 'node:fs'] }),
      ['bytes/x.ts may not import http/fields.ts'],
    );
    assert.equal(violations({ path: 'proxy/x.ts', code: '', imports: ['fill/fill.ts'] }).length, 1);
    assert.equal(violations({ path: 'fill/x.ts', code: '', imports: ['store/disk/disk-store.ts'] }).length, 1);
    assert.equal(violations({ path: 'extra/x.ts', code: '', imports: [] }).length, 1);
  });
});

describe('the machine is touched in one place', () => {
  for (const [what, pattern, place] of onePlace) {
    test(`${what}: ${place}`, () => {
      const users = sources.filter(({ code }) => pattern.test(code)).map(({ path }) => path);
      assert.ok(users.length > 0, 'nobody uses it: the rule is out of date');
      assert.deepEqual(
        users.filter((path) => !path.startsWith(place)),
        [],
      );
    });
  }
});
