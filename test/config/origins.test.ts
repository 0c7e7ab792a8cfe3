/** What the file can say about one origin: every key moves something, and no secret gets out. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type originTable, sharedBy } from '../../src/config/origins.ts';
import { presets } from '../../src/config/presets.ts';
import { ConfigError, type LoadedSettings, loadSettings, type OriginSettings } from '../../src/config.ts';

type Key = keyof typeof originTable;

const secret = 'hunter2-in-the-file';
const certificates = '-----BEGIN CERTIFICATE-----\n';

/** Files beside the configuration, and variables. */
const machine = {
  files: { '/etc/films.pem': certificates, '/etc/token': `${secret}\n`, '/etc/broken': 'a\nb', '/etc/empty': '\n' },
  env: { FILMS_PASSWORD: 'pä:ss word', FILMS_TOKEN: secret },
};

function withOrigins(origins: unknown, others: object = {}): LoadedSettings {
  const files: Record<string, string> = { ...machine.files, '/etc/f.json': JSON.stringify({ ...others, origins }) };
  return loadSettings({
    flags: { config: '/etc/f.json' },
    env: machine.env,
    readFile: (path) => files[path] ?? assert.fail(`${path} is not there`),
  });
}

/** The origin `films`, with this written beside its URL. */
function films(written: object, others?: object): OriginSettings {
  const [origin] = withOrigins({ films: { url: 'https://media.example', ...written } }, others).settings.origins;
  return origin ?? assert.fail('no origin');
}

function problems(written: object): readonly string[] {
  try {
    films(written);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  assert.fail('nothing was refused');
}

const basic = (credentials: string) => `Basic ${Buffer.from(credentials).toString('base64')}`;

/** For each key, what may be written, which of the settings it moves, and what it refuses. */
const samples: { [K in Key]: { written: unknown; moves: Partial<OriginSettings>; wrong: unknown } } = {
  url: { written: 'http://b.example/c', moves: { url: new URL('http://b.example/c') }, wrong: 'b.example' },
  mirrors: {
    written: ['http://b.example/c', 'http://me:too@c.example'],
    moves: {
      mirrors: [
        { url: new URL('http://b.example/c'), fields: [] },
        { url: new URL('http://c.example'), fields: [['authorization', basic('me:too')]] },
      ],
    },
    wrong: ['nowhere'],
  },
  mirrorProof: { written: 'overlap', moves: { mirrorProof: 'overlap' }, wrong: 'trust' },
  network: { written: 'private', moves: { network: 'private' }, wrong: 'secret' },
  redirectTo: { written: 'any', moves: { redirectTo: 'any' }, wrong: 'nowhere' },
  proxy: {
    written: 'http://me:too@proxy.lan:3128',
    moves: { proxy: { url: new URL('http://proxy.lan:3128'), authorization: basic('me:too') } },
    wrong: 'https://proxy.lan',
  },
  ca: { written: 'films.pem', moves: { ca: certificates }, wrong: 5 },
  auth: {
    written: { bearer: { env: 'FILMS_TOKEN' } },
    moves: { fields: [['authorization', `Bearer ${secret}`]] },
    wrong: { bearer: secret },
  },
  headers: {
    written: { 'X-Api-Key': { file: 'token' }, Accept: 'video/*' },
    moves: { fields: [['x-api-key', secret], ['accept', 'video/*']] }, // biome-ignore format: one line reads best
    wrong: { 'X-Api-Key': 'two\nlines' },
  },
  cookie: { written: 'session=1', moves: { fields: [['cookie', 'session=1']] }, wrong: '' },
  userAgent: { written: 'VLC/3', moves: { fields: [['user-agent', 'VLC/3']] }, wrong: ['VLC'] },
  maxConnections: { written: 1, moves: { maxConnections: 1 }, wrong: 0 },
  parallelFetches: { written: 1, moves: { parallelFetches: 1 }, wrong: 0 },
  maxRate: { written: '2MB', moves: { maxRate: 2_000_000 }, wrong: '1B' },
  maxRequestRate: { written: 5, moves: { maxRequestRate: 5 }, wrong: 0 },
  fill: { written: 'complete', moves: { fill: 'complete' }, wrong: 'all' },
  connectTimeout: { written: '1s', moves: { connectTimeout: 1000 }, wrong: '0s' },
  firstByteTimeout: { written: '2s', moves: { budgets: { firstByteTimeout: 2000 } }, wrong: '2' },
  stallTimeout: { written: '3s', moves: { budgets: { stallTimeout: 3000 } }, wrong: '3' },
  healTimeout: { written: '4s', moves: { budgets: { healTimeout: 4000 } }, wrong: '4' },
  retryInitial: { written: '5ms', moves: { budgets: { retryInitial: 5 } }, wrong: '5' },
  retryMax: { written: '6s', moves: { budgets: { retryMax: 6000 } }, wrong: '6' },
  cache: { written: 'always', moves: { cache: 'always' }, wrong: 'never' },
  preset: {
    written: 'jellyfin',
    moves: { ignoreQuery: presets.jellyfin.ignoreQuery, keyHeaders: presets.jellyfin.keyHeaders },
    wrong: 'kodi',
  },
  ignoreQuery: { written: ['token', 'sig'], moves: { ignoreQuery: ['token', 'sig'] }, wrong: ['a=b'] },
  keyHeaders: { written: ['Cookie'], moves: { keyHeaders: ['cookie'] }, wrong: ['Range'] },
  keepDeleted: { written: true, moves: { keepDeleted: true }, wrong: 'perhaps' },
  mendTypes: { written: false, moves: { mendTypes: false }, wrong: 'perhaps' },
  allowOrigins: {
    written: ['https://player.example', 'loopback'],
    moves: { allowOrigins: ['https://player.example', 'loopback'] },
    wrong: ['null'],
  },
  methods: { written: ['PUT', 'M-SEARCH'], moves: { methods: ['PUT', 'M-SEARCH'] }, wrong: ['CONNECT'] },
  refresh: {
    written: { command: ['/opt/hook', 'films'] },
    moves: { refresh: { command: ['/opt/hook', 'films'], timeout: 10_000 } },
    wrong: { command: 'hook' },
  },
};

describe('an address of firstbyte itself', () => {
  const refused = (origins: unknown, listen: readonly string[]): readonly string[] => {
    try {
      loadSettings({ flags: { listen, origins, allowFrom: ['10.0.0.0/8'] }, env: {} });
      return [];
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error.problems;
    }
  };

  test('is no place for an origin, a mirror, a proxy or a hook', () => {
    const url = 'https://media.example';
    const here = 'http://localhost:8787/films';
    for (const [key, written] of [
      ['url', { url: here }],
      ['mirrors', { url, mirrors: [here] }],
      ['proxy', { url, proxy: 'http://127.0.0.1:8787' }],
      ['refresh', { url, refresh: { endpoint: 'http://[::1]:8788/-/api/v1/sources' } }],
    ] as const) {
      const [problem = '', ...others] = refused({ films: written }, ['127.0.0.1:8787', '[::1]:8788']);
      assert.match(problem, new RegExp(`^origins\\.films\\.${key}: [\\w.:\\[\\]]+ is where firstbyte itself listens`));
      assert.deepEqual(others, []);
    }
  });

  test('is told by what it is, not by how it is written', () => {
    for (const host of ['127.0.0.1', 'LocalHost', '2130706433', '0x7f.1', '0', '[::ffff:127.0.0.1]', '127.3.4.5']) {
      assert.equal(refused({ films: `http://${host}:8787` }, ['0.0.0.0:8787']).length, 1, host);
    }
    for (const base of ['http://localhost:8788', 'http://[::1]:8787', 'http://10.0.0.1:8787', 'https://localhost']) {
      assert.deepEqual(refused({ films: base }, ['127.0.0.1:8787', 'unix:/run/x.sock', '127.0.0.1:0']), [], base);
    }
    assert.equal(refused({ films: 'http://localhost' }, ['127.0.0.1:80']).length, 1);
    assert.equal(refused({ films: 'https://localhost/x' }, ['127.0.0.1:443']).length, 1);
  });
});

describe('an origin in the file', () => {
  const plain = films({});
  for (const [key, { written, moves, wrong }] of Object.entries(samples)) {
    test(`${key} moves what it is for, and nothing else`, () => {
      assert.deepEqual(films({ [key]: written }), { ...plain, ...moves });
    });

    test(`a wrong ${key} is refused by its name`, () => {
      const [problem = '', ...others] = problems({ [key]: wrong });
      assert.deepEqual(others, []);
      assert.ok(problem.startsWith(`origins.films.${key}`), problem);
      assert.ok(!problem.includes(secret) && !problem.includes('lines'), problem);
    });
  }

  test('without a number of its own, connections and connecting are as for all', () => {
    const { maxConnections, connectTimeout } = films({}, { maxConnections: 4, connectTimeout: '2s' });
    assert.deepEqual([maxConnections, connectTimeout], [4, 2000]);
  });

  test('a preset and names of its own are added up', () => {
    const { ignoreQuery, keyHeaders } = films({
      preset: 'plex',
      ignoreQuery: ['t'],
      keyHeaders: ['x-plex-token', 'a'],
    });
    assert.deepEqual(ignoreQuery, [...presets.plex.ignoreQuery, 't']);
    assert.deepEqual(keyHeaders, ['x-plex-token', 'a']);
  });

  test('what all bases are sent goes to mirrors too, and their own credentials come first', () => {
    const { fields, mirrors } = films({
      auth: { basic: { user: 'me', password: { env: 'FILMS_PASSWORD' } } },
      cookie: 'a=b',
      mirrors: ['http://b.example', 'http://me:too@c.example'],
    });
    const shared = [['authorization', basic('me:pä:ss word')], ['cookie', 'a=b']]; // biome-ignore format: one line reads best
    assert.deepEqual(fields, shared);
    assert.deepEqual(mirrors[0]?.fields, shared);
    assert.deepEqual(mirrors[1]?.fields, [['authorization', basic('me:too')], ['cookie', 'a=b']]); // biome-ignore format: one line reads best
  });

  test('credentials in the base are not for the mirrors', () => {
    const { mirrors } = films({ url: 'http://me:secret@a.example', mirrors: ['http://b.example'] });
    assert.deepEqual(mirrors[0]?.fields, []);
  });
});

describe('secrets', () => {
  const cases: Record<string, [written: object, problem: RegExp]> = {
    'a variable that is not set': [{ cookie: { env: 'NONE' } }, /films\.cookie: the variable NONE is empty or not set/],
    'a file that is not there': [{ auth: { bearer: { file: 'none' } } }, /auth\.bearer: "none" cannot be read/],
    'a file without content': [{ auth: { bearer: { file: 'empty' } } }, /"empty" is empty or not set/],
    'a file of two lines': [{ cookie: { file: 'broken' } }, /"broken" holds what no header field can carry/],
    'credentials twice': [
      { url: 'http://a:b@c.example', auth: { bearer: { env: 'FILMS_TOKEN' } } },
      /authorization is given more than once/,
    ],
    'two kinds of credentials': [
      { auth: { bearer: { env: 'A' }, basic: { user: 'a', password: { env: 'B' } } } },
      /films\.auth .*the value is not {"basic"/,
    ],
    'a password in the file': [{ auth: { basic: { user: 'a', password: secret } } }, /password .*not {"env": "NAME"}/],
    'a field that firstbyte sets': [{ headers: { Range: secret } }, /headers\.Range .*is not the name of a field/],
  };
  for (const [what, [written, problem]] of Object.entries(cases)) {
    test(`${what}: refused, and nothing is repeated`, () => {
      const text = problems(written).join('\n');
      assert.match(text, problem);
      assert.ok(!text.includes(secret), text);
    });
  }

  test('none is in the sources that `config --explain` shows', () => {
    const { sources } = withOrigins({
      films: {
        url: `https://me:${secret}@a.example`,
        headers: { 'x-key': secret, env: secret },
        cookie: secret,
        mirrors: [`http://me:${secret}@b.example`],
        proxy: `http://me:${secret}@c.example`,
      },
    });
    assert.ok(!JSON.stringify(sources).includes(secret), sources.origins.text);
    assert.match(sources.origins.text, /b\.example/);
  });
});

test('what is shared is said of every origin that ignores a part of the query, and of no other', () => {
  assert.equal(sharedBy({ ignoreQuery: [] }), null);
  for (const { ignoreQuery } of Object.values(presets)) {
    for (const name of ignoreQuery)
      assert.match(sharedBy({ ignoreQuery }) ?? '', new RegExp(`another viewer.*${name}`));
  }
});
