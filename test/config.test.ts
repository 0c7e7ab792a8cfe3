import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConfigError, loadSettings, namesOf, type SettingKey, type SettingsInput, settingKeys } from '../src/config.ts';

/** What each key reads from a value that is not its default, and a value that it refuses. */
const samples: Record<SettingKey, { written: string; read: unknown; wrong: string; right: RegExp }> = {
  listen: { written: '[::1]:0', read: [{ host: '::1', port: 0 }], wrong: 'somewhere:1', right: /127\.0\.0\.1:8787/ },
  allowFrom: {
    written: '192.168.1.0/24',
    read: [{ address: '192.168.1.0', prefix: 24, family: 'ipv4' }],
    wrong: '192.168.1.0/33',
    right: /192\.168\.1\.0\/24/,
  },
  allowHosts: {
    written: 'Media.example *.films.example.',
    read: ['media.example', '*.films.example'],
    wrong: 'media.example:443',
    right: /without port, such as media\.example\.org/,
  },
  trustedProxies: {
    written: '127.0.0.1 fd00::/8',
    read: [
      { address: '127.0.0.1', prefix: 32, family: 'ipv4' },
      { address: 'fd00::', prefix: 8, family: 'ipv6' },
    ],
    wrong: 'caddy',
    right: /192\.168\.1\.0\/24/,
  },
  token: { written: 'abcdefghijklmnop', read: 'abcdefghijklmnop', wrong: 'short', right: /at least 16/ },
  readOnlyPage: { written: 'on', read: 'on', wrong: 'yes', right: /one of on, off/ },
  secretPath: { written: 'abcdefghijklmnop', read: 'abcdefghijklmnop', wrong: 'a/b', right: /at least 16 letters/ },
  tlsCert: { written: '/etc/tls/cert.pem', read: '/etc/tls/cert.pem', wrong: '', right: /is not a path/ },
  tlsKey: { written: '/etc/tls/key.pem', read: '/etc/tls/key.pem', wrong: '', right: /is not a path/ },
  drainTimeout: { written: '0s', read: 0, wrong: '-1s', right: /a duration, such as/ },
  headTimeout: { written: '20s', read: 20_000, wrong: '0s', right: /at least 1s/ },
  origins: {
    written: 'films=https://media.example/f',
    read: [
      {
        name: 'films',
        url: new URL('https://media.example/f'),
        fields: [],
        redirectTo: 'public',
        cache: 'media',
        maxConnections: 32,
        parallelFetches: 8,
        methods: [],
        connectTimeout: 10_000,
        budgets: {},
        mirrors: [],
        mirrorProof: 'validator',
        ignoreQuery: [],
        keyHeaders: [],
        keepDeleted: false,
        fill: 'window',
      },
    ],
    wrong: 'films',
    right: /NAME=URL/,
  },
  maxRate: { written: '2M', read: 2_000_000, wrong: '1B', right: /a size a second of at least 1kB/ },
  maxConnections: { written: '1', read: 1, wrong: '0', right: /whole number of at least 1/ },
  parallelFetches: { written: '1', read: 1, wrong: '0', right: /whole number of at least 1/ },
  connectTimeout: { written: '3s', read: 3000, wrong: '3', right: /a duration of at least 1ms/ },
  cacheDir: { written: '/var/cache/films', read: '/var/cache/films', wrong: 'a\0b', right: /a path/ },
  store: { written: 'memory', read: 'memory', wrong: 'cloud', right: /one of disk, memory, none/ },
  maxSize: { written: '2GB', read: { bytes: 2e9 }, wrong: '1MB', right: /at least 64MB, .* or a share/ },
  minFree: { written: '5%', read: { share: 0.05 }, wrong: '101%', right: /a share from 0% to 100%/ },
  maxAge: { written: '30d', read: 2_592_000_000, wrong: '1s', right: /at least 1m, .*, or off/ },
  mediaFreshness: { written: '1h', read: 3_600_000, wrong: '1 week', right: /a duration, such as/ },
  readAhead: { written: '1GB', read: 1e9, wrong: '1KiB', right: /at least 64kB/ },
  prefetch: { written: 'off', read: 'off', wrong: 'no', right: /one of on, off/ },
  nextEpisode: { written: 'off', read: 'off', wrong: 'no', right: /one of on, off/ },
  restTimeout: { written: '2.5s', read: 2500, wrong: 'never', right: /a duration, such as/ },
  firstByteTimeout: { written: '2m', read: 120_000, wrong: '30', right: /30s/ },
  stallTimeout: { written: '7s', read: 7000, wrong: '7S', right: /a duration/ },
  healTimeout: { written: '1d', read: 86_400_000, wrong: '90s!', right: /a duration/ },
  retryInitial: { written: '50ms', read: 50, wrong: '0ms', right: /at least 1ms/ },
  retryMax: { written: '4s', read: 4000, wrong: '1e3ms', right: /a duration/ },
  queueTimeout: { written: '1s', read: 1000, wrong: 'soon', right: /a duration/ },
  patience: { written: 'off', read: null, wrong: 'on', right: /a duration .*, or off/ },
  patienceInterval: { written: '3s', read: 3000, wrong: 'off', right: /a duration/ },
  connectionsPerClient: { written: '8', read: 8, wrong: '0', right: /whole number of at least 1/ },
  requestsPerClient: { written: '4', read: 4, wrong: 'many', right: /whole number of at least 1/ },
  unreadPerClient: { written: '2GiB', read: 2 ** 31, wrong: '1KiB', right: /at least 1MB/ },
  maxQueued: { written: '0', read: 0, wrong: '1.5', right: /whole number of at least 0/ },
  bufferMemory: { written: '16MiB', read: 16 * 2 ** 20, wrong: '16MB/s', right: /a size of at least 1MB/ },
  stalledMemory: { written: '64MiB', read: 64 * 2 ** 20, wrong: '1kB', right: /a size of at least 1MB/ },
  sendfile: { written: 'off', read: 'off', wrong: 'yes', right: /one of on, off/ },
  summaryInterval: { written: '5m', read: 300_000, wrong: '10ms', right: /at least 1s/ },
  logLevel: { written: 'debug', read: 'debug', wrong: 'loud', right: /one of debug, info, warn, error/ },
  logFormat: { written: 'json', read: 'json', wrong: 'xml', right: /one of text, json/ },
};

const load = (input: SettingsInput) => loadSettings({ env: {}, ...input });

const withFile = (content: unknown, input: SettingsInput = {}) =>
  load({ ...input, flags: { config: '/etc/firstbyte.json', ...input.flags }, readFile: () => JSON.stringify(content) });

function problemsOf(input: SettingsInput): readonly string[] {
  try {
    load(input);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  assert.fail('nothing was refused');
}

for (const key of settingKeys) {
  const { written, read, wrong, right } = samples[key];
  const { flag, variable } = namesOf(key);

  test(`${key} is read alike from a flag, a variable and the file`, () => {
    const unset = load({}).settings[key];
    assert.notDeepEqual(unset, read, 'the sample must differ from the default');
    assert.deepEqual(load({ flags: { [key]: written } }).settings[key], read);
    assert.deepEqual(load({ env: { [variable]: written } }).settings[key], read);
    assert.deepEqual(withFile({ [key]: written }).settings[key], read);
  });

  test(`a wrong ${key} is refused with the key, the value and what would be right`, () => {
    const [problem = '', ...others] = problemsOf({ flags: { [key]: wrong } });
    assert.deepEqual(others, []);
    assert.ok(problem.startsWith(key));
    if (flag !== null) assert.ok(problem.includes(flag));
    assert.equal(problem.includes(wrong), flag !== null, 'a secret is not repeated');
    assert.match(problem, right);
  });
}

test('without any settings there are the defaults of the reference', () => {
  const { settings } = load({});
  assert.deepEqual(settings, {
    listen: [{ host: '127.0.0.1', port: 8787 }],
    allowFrom: [],
    allowHosts: [],
    trustedProxies: [],
    prefetch: 'on',
    nextEpisode: 'on',
    maxRate: null,
    readOnlyPage: 'off',
    secretPath: null,
    tlsCert: null,
    tlsKey: null,
    token: null,
    drainTimeout: 10_000,
    headTimeout: 15_000,
    origins: [],
    maxConnections: 32,
    parallelFetches: 8,
    connectTimeout: 10_000,
    cacheDir: `${homedir()}/.cache/firstbyte`,
    store: 'disk',
    maxSize: { share: 0.5 },
    minFree: { share: 0.01 },
    maxAge: null,
    mediaFreshness: 86_400_000,
    readAhead: 64e6,
    restTimeout: 5000,
    firstByteTimeout: 30_000,
    stallTimeout: 10_000,
    healTimeout: 90_000,
    retryInitial: 100,
    retryMax: 2000,
    queueTimeout: 30_000,
    patience: 5000,
    patienceInterval: 10_000,
    maxQueued: 1000,
    connectionsPerClient: 512,
    requestsPerClient: 256,
    unreadPerClient: 1e9,
    bufferMemory: 48e6,
    stalledMemory: 256e6,
    sendfile: 'on',
    summaryInterval: 30_000,
    logLevel: 'info',
    logFormat: 'text',
  });
});

test('a flag is stronger than a variable, a variable than the file, the file than the default', () => {
  const file = { retryMax: '3s' };
  const env = { FIRSTBYTE_RETRY_MAX: '4s' };
  const flags = { retryMax: '5s' };
  assert.equal(load({}).settings.retryMax, 2000);
  assert.equal(withFile(file).settings.retryMax, 3000);
  assert.equal(withFile(file, { env }).settings.retryMax, 4000);
  assert.equal(withFile(file, { env, flags }).settings.retryMax, 5000);
});

test('each value says where it came from', () => {
  const { sources } = withFile(
    { retryMax: '3s' },
    { env: { FIRSTBYTE_STORE: 'memory' }, flags: { listen: ['[::1]:1'] } },
  );
  assert.deepEqual(sources.listen, { from: 'flag', name: '--listen', text: '[::1]:1' });
  assert.deepEqual(sources.store, { from: 'variable', name: 'FIRSTBYTE_STORE', text: 'memory' });
  assert.deepEqual(sources.retryMax, { from: 'file', name: '/etc/firstbyte.json', text: '3s' });
  assert.deepEqual(sources.patience, { from: 'default', name: '', text: '5s' });
});

test('an empty variable counts as unset', () => {
  assert.equal(load({ env: { FIRSTBYTE_STORE: '' } }).sources.store.from, 'default');
});

test('flags and keys that nobody knows are refused, with the nearest that is known', () => {
  const problems = problemsOf({
    flags: { config: 'c.json', chacheDir: '/x' },
    env: { FIRSTBYTE_LISTN: '[::1]:1', HOME: '/root' },
    readFile: () => '{ "retrymax": "1s", "colour": "red" }',
  });
  assert.deepEqual(problems, [
    'the flag chacheDir is unknown; did you mean cacheDir?',
    'retrymax (c.json) is unknown; did you mean retryMax?',
    'colour (c.json) is unknown',
  ]);
});

test('everything that is wrong is said at once', () => {
  assert.equal(problemsOf({ flags: { store: 'x', patience: 'x' }, env: { FIRSTBYTE_LOG_LEVEL: 'x' } }).length, 3);
});

test('a variable that nobody knows is a warning with the nearest name, as for those that Kubernetes makes', () => {
  const env = { FIRSTBYTE_PORT: 'tcp://10.0.0.1:8787', FIRSTBYTE_SERVICE_HOST: '10.0.0.1', FIRSTBYTE_LISTN: '[::1]:1' };
  assert.deepEqual(load({ env }).warnings, [
    'the variable FIRSTBYTE_PORT is ignored: it is unknown',
    'the variable FIRSTBYTE_SERVICE_HOST is ignored: it is unknown',
    'the variable FIRSTBYTE_LISTN is ignored: it is unknown; did you mean FIRSTBYTE_LISTEN?',
  ]);
});

test('the file may have comments and a comma too many', () => {
  const readFile = () => `{
    // A slow line.
    "stallTimeout": "30s", /* not "10s" */
    "origins": { "films": "https://media.example//films", },
  }`;
  const { settings } = load({ flags: { config: 'c.json' }, readFile });
  assert.deepEqual([settings.stallTimeout, settings.origins[0]?.url.href], [30_000, 'https://media.example//films']);
});

test('sizes and addresses are read as people write them', () => {
  const sizes = ['10G', '10g', '10 GB', '10gb', '10000M'].map(
    (maxSize) => load({ flags: { maxSize } }).settings.maxSize,
  );
  assert.deepEqual(
    sizes,
    sizes.map(() => ({ bytes: 10e9 })),
  );
  assert.deepEqual(load({ flags: { readAhead: '64mib' } }).settings.readAhead, 64 * 2 ** 20);
  assert.deepEqual(load({ flags: { listen: '8788' } }).settings.listen, [{ host: '127.0.0.1', port: 8788 }]);
  for (const listen of [':8788', '*:8788']) {
    const flags = { listen, allowFrom: '192.168.1.0/24' };
    assert.deepEqual(load({ flags }).settings.listen, [{ host: '0.0.0.0', port: 8788 }]);
  }
});

test('FIRSTBYTE_CONFIG names the file, and --config is stronger', () => {
  const readFile = (path: string) => (path === 'a.json' ? '{ "maxQueued": 1 }' : '{ "maxQueued": 2 }');
  assert.equal(load({ env: { FIRSTBYTE_CONFIG: 'a.json' }, readFile }).settings.maxQueued, 1);
  const both = load({ env: { FIRSTBYTE_CONFIG: 'a.json' }, flags: { config: 'b.json' }, readFile });
  assert.equal(both.settings.maxQueued, 2);
});

test('a file that is missing, not JSON or not an object is refused', () => {
  const flags = { config: 'missing.json' };
  assert.match(String(problemsOf({ flags })), /missing\.json cannot be read: there is no such file/);
  assert.match(String(problemsOf({ flags, readFile: () => '{' })), /missing\.json is not JSON/);
  assert.match(String(problemsOf({ flags, readFile: () => '[]' })), /does not hold a JSON object/);
});

test('durations and sizes are what their units say', () => {
  const units = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5 };
  fc.assert(
    fc.property(fc.nat(9999), fc.constantFrom(...Object.entries(units)), (number, [unit, milliseconds]) => {
      assert.equal(load({ flags: { drainTimeout: `${number}${unit}` } }).settings.drainTimeout, number * milliseconds);
    }),
  );
  const sizes = { '65536B': 65_536, '70kB': 70_000, '1MB': 1e6, '2GB': 2e9, '1TB': 1e12, '64KiB': 65_536 };
  for (const [written, bytes] of Object.entries(sizes)) {
    assert.equal(load({ flags: { readAhead: written } }).settings.readAhead, bytes);
  }
  assert.equal(load({ flags: { readAhead: '1.5GiB' } }).settings.readAhead, 1.5 * 2 ** 30);
  assert.equal(load({ flags: { readAhead: '1TiB' } }).settings.readAhead, 2 ** 40);
  problemsOf({ flags: { readAhead: '99999999TiB' } });
});

test('listening takes IPv4, IPv6, localhost and Unix sockets, several at a time', () => {
  const listen = ['127.0.0.1:1', '[::1]:2', 'localhost:3', 'unix:/run/firstbyte.sock'];
  const read = [
    { host: '127.0.0.1', port: 1 },
    { host: '::1', port: 2 },
    { host: 'localhost', port: 3 },
    { path: '/run/firstbyte.sock' },
  ];
  assert.deepEqual(load({ flags: { listen } }).settings.listen, read);
  assert.deepEqual(load({ env: { FIRSTBYTE_LISTEN: listen.join(' ') } }).settings.listen, read);
  for (const wrong of [
    '127.0.0.1',
    '65536',
    '127.0.0.1:65536',
    '::1:80',
    '[127.0.0.1]:80',
    'host:80',
    'unix:sock',
    '',
  ]) {
    problemsOf({ flags: { listen: [wrong] } });
  }
  problemsOf({ flags: { listen: [] } });
});

test('listening beyond loopback without allowFrom is refused in one sentence', () => {
  for (const address of ['0.0.0.0:1', '[::]:1', '192.168.1.5:1', '[::ffff:10.0.0.1]:1']) {
    const [problem, ...others] = problemsOf({ flags: { listen: ['127.0.0.1:1', address] } });
    assert.match(problem ?? '', /can be reached from other machines.*--allow-from/);
    assert.deepEqual(others, []);
  }
  load({ flags: { listen: ['0.0.0.0:1'], allowFrom: ['10.0.0.0/8'] } });
  load({ flags: { listen: ['127.9.9.9:1', '[::1]:1', 'localhost:1', 'unix:/run/x.sock'] } });
});

test('a network without a prefix is one address', () => {
  assert.deepEqual(load({ flags: { allowFrom: ['10.0.0.1', 'fd00::1', 'fd00::/8'] } }).settings.allowFrom, [
    { address: '10.0.0.1', prefix: 32, family: 'ipv4' },
    { address: 'fd00::1', prefix: 128, family: 'ipv6' },
    { address: 'fd00::', prefix: 8, family: 'ipv6' },
  ]);
  for (const wrong of ['10.0.0.0/', 'lan', '10.0.0/8', 'fe80::1%eth0']) problemsOf({ flags: { allowFrom: [wrong] } });
});

test('a host name that is allowed is a name alone, in ASCII', () => {
  const { allowHosts } = load({ flags: { allowHosts: ['B\u00fccher.example', '*.my_films.example', 'nas'] } }).settings;
  assert.deepEqual(allowHosts, ['xn--bcher-kva.example', '*.my_films.example', 'nas']);
  for (const wrong of [
    '*',
    '*.org',
    'a.*.org',
    '**.a.org',
    'https://a.org',
    'a.org/',
    'a.org:1',
    '10.0.0.1',
    '[::1]',
    '.a',
    '',
  ]) {
    const [problem] = problemsOf({ flags: { allowHosts: [wrong] } });
    assert.match(problem ?? '', /^allowHosts/);
  }
});

test('what is wrong inside an origin is named by its path', () => {
  const origins = {
    films: { url: 'https://media.example', netwrok: 'private' },
    tv: { network: 'secret' },
    Radio: 'https://radio.example',
    port: 80,
  };
  assert.throws(
    () => withFile({ origins }),
    (error: ConfigError) => {
      assert.deepEqual(error.problems.toSorted(), [
        'origins.Radio (/etc/firstbyte.json): "Radio" is not a name of lower-case letters, digits and hyphens',
        'origins.films.netwrok (/etc/firstbyte.json) is unknown; did you mean network?',
        'origins.port (/etc/firstbyte.json): "80" is not a URL or an object',
        'origins.tv.network (/etc/firstbyte.json): "secret" is not one of public, private',
        'origins.tv.url (/etc/firstbyte.json) is missing: give an http or https URL without query and fragment',
      ]);
      return true;
    },
  );
});

test('certificates that cannot be read are refused', () => {
  const flags = { origins: { films: { url: 'https://media.example', ca: 'none.pem' } } };
  assert.match(String(problemsOf({ flags })), /origins\.films\.ca: "none\.pem" cannot be read: there is no such file/);
  assert.match(String(problemsOf({ flags, readFile: () => 'text' })), /is not a file of certificates/);
});

test('an origin is written NAME=URL, each name once', () => {
  for (const wrong of ['films', '=http://a.example', 'films=', 'Films=http://a.example', '-x=http://a.example']) {
    problemsOf({ flags: { origins: [wrong] } });
  }
  problemsOf({ flags: { origins: ['a=http://a.example', 'a=http://b.example'] } });
  for (const wrong of ['http://a.example/?x', 'http://a.example/#x', 'file:///etc', '//a.example', 'http://', 'a']) {
    problemsOf({ flags: { origins: [`films=${wrong}`] } });
  }
});

test('credentials in the URL become basic authentication and appear nowhere else', () => {
  const loaded = load({ flags: { origins: ['films=https://me:p%40ss%3Dword@media.example/f'] } });
  const [films] = loaded.settings.origins;
  assert.equal(films?.url.href, 'https://media.example/f');
  assert.deepEqual(films?.fields, [['authorization', `Basic ${btoa('me:p@ss=word')}`]]);
  assert.equal(loaded.sources.origins.text, 'films=https://***@media.example/f');
});

test('no problem and no source repeats a secret', () => {
  const secret = 'hunter2';
  const urls = [
    `https://me:${secret}@media.example/?q`,
    `ftp://me:a=${secret}@media.example`,
    `me:${secret}@media.example`,
    `https://me:${secret}/@media.example`,
    `https://media.example/?token=${secret}`,
    `https://me:%zz${secret}@media.example`,
  ];
  for (const url of urls) {
    for (const origins of [[`films=${url}`], { films: { url } }, { films: url }]) {
      assert.ok(!String(problemsOf({ flags: { origins } })).includes(secret), url);
    }
  }
  const { sources } = withFile(
    { origins: { films: { url: `https://me:${secret}@media.example` } } },
    { env: { FIRSTBYTE_TOKEN: `${secret}${secret}${secret}` } },
  );
  assert.ok(!JSON.stringify(sources).includes(secret));
});

test('the cache directory follows XDG_CACHE_HOME where that is absolute', () => {
  assert.equal(load({ env: { XDG_CACHE_HOME: '/caches' } }).settings.cacheDir, '/caches/firstbyte');
  assert.equal(load({ env: { XDG_CACHE_HOME: 'caches' } }).settings.cacheDir, `${homedir()}/.cache/firstbyte`);
});

test('a relative cache directory starts at the file that names it, else at the working directory', () => {
  assert.equal(withFile({ cacheDir: 'cache' }).settings.cacheDir, '/etc/cache');
  assert.equal(load({ flags: { cacheDir: 'cache' } }).settings.cacheDir, `${process.cwd()}/cache`);
});
