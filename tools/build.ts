/**
 * `npm run build`: `dist/`, which is what a package has. Each way in is one file, and what several share are files beside
 * it. The packages that firstbyte is made of are in there, but for their parts that nothing calls, so that nobody who
 * installs it installs them: `dist/third-party.txt` has their licenses.
 *
 * The page of `dashboard/` is in `dist/dashboard/`, each of its files beside itself in gzip and Brotli.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { type Plugin, rolldown } from 'rolldown';
import { parseSync, Visitor } from 'rolldown/utils';
import { dts } from 'rolldown-plugin-dts';
import { build } from 'vite';

const root = join(import.meta.dirname, '..');
const out = join(root, 'dist');

/** The ways in for programs, by their place in `dist/`; those that are run have no types. */
const typed = {
  index: 'index.ts',
  'store/store': 'store/store.ts',
  'origin/origin': 'origin/origin.ts',
  'otel/traces': 'otel/traces.ts',
  'testing/index': 'testing/index.ts',
};
const run = { cli: 'cli.ts', 'sqlite-index-worker': 'store/disk/index/sqlite-index-worker.ts' };

/** Of whoever traces requests: it is there already, and must be the same. */
const optional = '@opentelemetry/api';

/** Which firstbyte this is, written down: a bundle reads no file to know it. */
const ownVersion: Plugin = {
  name: 'own-version',
  load(id) {
    if (id !== join(root, 'src/version.ts')) return null;
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    return `export const version = ${JSON.stringify(version)};`;
  },
};

/**
 * `node:http` as it is required: as an import, Node reads all that it exports, also what loads a client and a WebSocket, which
 * takes as long as loading firstbyte.
 */
const leanHttp: Plugin = {
  name: 'lean-http',
  resolveId: (id) => (id === 'node:http' || id === 'http' ? '\0http' : null),
  load(id) {
    if (id !== '\0http') return null;
    const names = Object.keys(http).filter((name) => !['WebSocket', 'CloseEvent', 'MessageEvent'].includes(name));
    return `const http = process.getBuiltinModule('node:http');
      export const { ${names.join()} } = http;
      export default http;`;
  },
};

/** Of zod's words in sixty languages only those that are used. */
const leanZod: Plugin = {
  name: 'lean-zod',
  load: (id) =>
    id.endsWith(join('zod', 'v4', 'locales', 'index.js')) ? `export { default as en } from './en.js';` : null,
};

/** Of prom-client only the metrics that are used: others load what Node has for clusters and for measuring itself. */
const leanPrometheus: Plugin = {
  name: 'lean-prometheus',
  load: (id) =>
    id.endsWith(join('prom-client', 'index.js'))
      ? ['Registry', 'Counter', 'Gauge', 'Histogram']
          .map((name) => `exports.${name} = require('./lib/${name.toLowerCase()}');`)
          .join('')
      : null,
};

/**
 * Private names as plain ones, each class with its own: code that V8 has not optimized yet, which is most of what runs before
 * the first byte of a film, makes, reads and writes plain fields in much less time.
 */
const plainNames: Plugin = {
  name: 'plain-names',
  renderChunk(code, { name: chunk }) {
    const classes: { readonly suffix: string; readonly names: ReadonlySet<string> }[] = [];
    let [written, at, count] = ['', 0, 0];
    const visitor = new Visitor({
      ClassBody({ body }) {
        count += 1;
        const keys = body.map((member) => ('key' in member ? member.key : null));
        const names = new Set(keys.flatMap((key) => (key?.type === 'PrivateIdentifier' ? key.name : [])));
        classes.push({ suffix: `${chunk.replace(/\W/g, '_')}${count}`, names });
      },
      'ClassBody:exit': () => void classes.pop(),
      PrivateIdentifier({ name, start, end }) {
        const owner = classes.findLast(({ names }) => names.has(name));
        written += `${code.slice(at, start)}_${name}_${owner?.suffix}`;
        at = end;
      },
    });
    visitor.visit(parseSync(`${chunk}.js`, code).program);
    return written + code.slice(at);
  },
};

/** Of every bundle of the program. */
export const programPlugins = [ownVersion, leanHttp, leanZod, leanPrometheus, plainNames];

/** How it is written: V8 keeps the text of a file in memory, with twice as many bytes where one letter is not Latin-1. */
export const programFormat = { charset: 'ascii', comments: false } as const;

if (import.meta.main) await (process.argv.includes('--if-needed') ? buildIfNeeded() : buildAll());

/** Builds where a source is newer than what was built. */
export async function buildIfNeeded(): Promise<void> {
  const last = join(out, 'dashboard/index.html');
  const below = (folder: string) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path));
  const sources = [import.meta.filename, ...below(join(root, 'src')), ...below(join(root, 'dashboard'))];
  const isCurrent =
    existsSync(last) && Math.max(...sources.map((path) => statSync(path).mtimeMs)) <= statSync(last).mtimeMs;
  if (!isCurrent) await buildAll();
}

async function buildAll(): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  await buildPrograms();
  await buildTypes();
  chmodSync(join(out, 'cli.js'), 0o755);
  await build({ configFile: join(root, 'dashboard/vite.config.ts') });
  compressPage();
}

async function buildPrograms(): Promise<void> {
  const bundle = await rolldown({
    input: paths({ ...typed, ...run }, (file) => join(root, 'src', file)),
    platform: 'node',
    external: (id, importer) => id === optional && importer?.includes(`${sep}src${sep}`) === true,
    plugins: programPlugins,
    onLog: fail,
  });
  const { output } = await bundle.write({
    ...programFormat,
    dir: out,
    format: 'es',
    chunkFileNames: '[name]-[hash].js',
  });
  const modules = output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));
  writeFileSync(join(out, 'third-party.txt'), licensesOf(modules));
}

/** Declarations by the compiler, then one file for each way in with what it needs of the others. */
async function buildTypes(): Promise<void> {
  const separate = mkdtempSync(join(tmpdir(), 'firstbyte-types-'));
  try {
    const options = ['-p', 'tsconfig.build.json', '--emitDeclarationOnly', '--outDir', separate];
    const { status } = spawnSync('tsc', options, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
    if (status !== 0) process.exit(status ?? 1);
    const bundle = await rolldown({
      input: paths(typed, (file) => join(separate, file.replace(/\.ts$/, '.d.ts'))),
      external: /^(?!\.|\/)/,
      plugins: [
        dts({ dtsInput: true, emitDtsOnly: true, generator: 'oxc', tsconfig: join(root, 'tsconfig.build.json') }),
      ],
      onLog: fail,
    });
    await bundle.write({ dir: out, format: 'es', chunkFileNames: '[name]-[hash].d.ts' });
  } finally {
    rmSync(separate, { recursive: true });
  }
}

function paths(files: Readonly<Record<string, string>>, of: (file: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, file]) => [name, of(file)]));
}

/** A warning of the bundler is something that would go wrong for whoever has the package. */
function fail(level: string, { message, code }: { message: string; code?: string }): void {
  if (level === 'warn' && code !== 'EVAL') throw new Error(message);
}

/** Each package that modules come from, with its license. */
function licensesOf(modules: readonly string[]): string {
  const mark = `${sep}node_modules${sep}`;
  const folders = modules
    .filter((id) => id.includes(mark))
    .map((id) => {
      const end = id.lastIndexOf(mark) + mark.length;
      const [first = '', second = ''] = id.slice(end).split(sep);
      return id.slice(id.startsWith('\0') ? 1 : 0, end) + (first.startsWith('@') ? join(first, second) : first);
    });
  return [...new Set(folders)]
    .sort()
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      const file = readdirSync(folder).find((each) => /^licen[cs]e(\.|$)/i.test(each));
      const text = file === undefined ? '' : `\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
      return `${name} ${version} (${license})\n${text}`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}

function compressPage(): void {
  const folder = join(out, 'dashboard');
  if (!existsSync(folder)) throw new Error('The page was not built.');
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const content = readFileSync(path);
    const hint = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
    writeFileSync(`${path}.br`, brotliCompressSync(content, { params: hint }));
    writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
  }
}
