/** Draws the map of `src/` in ARCHITECTURE.md from the first sentence of each file's head comment. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');

/** What each folder is for, in the order of the imports, from the bottom up. */
const folders: Readonly<Record<string, string>> = {
  kit: 'small parts of one thing each: waiting in order, rates, pauses, amounts in words',
  bytes: 'which bytes exist: pure arithmetic',
  http: 'what the RFCs say: pure, no I/O',
  origin: 'request one target from one offset',
  store: 'random-access objects that outlive the process',
  'store/disk': 'a store in a directory, which survives power cuts',
  'store/disk/index': 'the database that names what is durable',
  media: 'what the first bytes of a film tell of the rest',
  fill: 'download one representation for all its readers',
  cache: 'the entry of a request: collapse, revalidate, restore',
  'cache/strict': 'the cache of strict mode: RFC 9111 alone',
  admin: 'what operators do: list, pin, purge, verify, warm, hand in URLs',
  proxy: 'one client request, from top to bottom',
  control: 'the control API, the page, metrics and the event stream',
  'control/routes': 'the paths of the control API, a file for each subject',
  config: 'the settings: their kinds, their sources and their errors',
  cli: 'the command line',
  embed: 'firstbyte in a program, without a port',
  testing: 'the contracts of stores and origins, for programs that have their own',
  otel: 'traces, for programs that ask for them',
};

/** The map in Markdown: a list of files for each folder, and last those that lie in `src/` itself. */
export function sourceMap(): string {
  const sections = readdirSync(join(root, 'src'), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isDirectory())
    .map(({ parentPath, name }) => relative(join(root, 'src'), join(parentPath, name)).replaceAll('\\', '/'))
    .filter((name) => sourcesIn(`src/${name}`).length > 0)
    .sort((a, b) => position(a) - position(b))
    .map((name) => section(`src/${name}`, `\`src/${name}/\`: ${folders[name]}`));
  return [...sections, section('src', '`src/`: the top')].join('\n');
}

function position(folder: string): number {
  const index = Object.keys(folders).indexOf(folder);
  if (index === -1) throw new Error(`tools/map.ts does not say what src/${folder}/ is for`);
  return index;
}

function section(directory: string, title: string): string {
  const lines = sourcesIn(directory).map((name) => {
    const path = `${directory}/${name}`;
    return `- [\`${name}\`](${path}): ${headSentence(path)}\n`;
  });
  return `### ${title}\n\n${lines.join('')}`;
}

function sourcesIn(directory: string): string[] {
  return readdirSync(join(root, directory))
    .filter((name) => name.endsWith('.ts'))
    .sort();
}

/** The first sentence of the comment that opens a file. */
export function headSentence(path: string): string {
  const text = readFileSync(join(root, path), 'utf8');
  const comment = /^(?:#!.*\n)?\/\*\*([\s\S]*?)\*\//.exec(text)?.[1];
  if (comment === undefined) throw new Error(`${path} has no head comment`);
  const words = comment.replace(/^\s*\* ?/gm, '').trim();
  const [paragraph = ''] = words.split(/\n\s*\n/);
  const sentence = /^[\s\S]*?\.(?=\s|$)/.exec(paragraph)?.[0] ?? paragraph;
  return sentence.replace(/\s+/g, ' ');
}

/** ARCHITECTURE.md with a fresh map between its two marks. */
export function architecturePage(): string {
  const page = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
  return page.replace(
    /(<!-- map -->\n)[\s\S]*(<!-- end of map -->)/,
    (_, start, end) => `${start}\n${sourceMap()}\n${end}`,
  );
}
