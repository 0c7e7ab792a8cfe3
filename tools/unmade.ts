/**
 * Finds members of unions that nothing in `src/` makes: values that the documents promise and nobody ever sees.
 *
 * In a copy of the sources every such member gets another name where it is declared. Whatever makes a value of the union
 * is then an error of the compiler that names the member; a comparison is an error of another kind, and makes nothing.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Added to a member's name where it is declared. */
const mark = '~';

/** What is looked at in one run of the compiler: where a member is declared, by its name. */
interface Batch {
  readonly declared: ReadonlyMap<string, string>;
  /** The sources that declare them, with other names. */
  readonly renamed: ReadonlyMap<string, string>;
}

/** The lists of events.ts (`['a', 'b'] as const`): in each batch no name stands for two members. */
function listsOf(file: string): Batch[] {
  const text = readFileSync(join(root, file), 'utf8');
  const left = new Set([...text.matchAll(/export const (\w+) = \[[^\]]*\] as const/g)].map(([list]) => list));
  const batches: Batch[] = [];
  while (left.size > 0) {
    const declared = new Map<string, string>();
    let renamed = text;
    for (const list of left) {
      const [, name = ''] = /const (\w+)/.exec(list) ?? [];
      const members = [...list.matchAll(/'([^']+)'/g)].map(([, member = '']) => member);
      if (members.some((member) => declared.has(member))) continue;
      for (const member of members) declared.set(member, `${file}: ${name}`);
      renamed = renamed.replace(list, list.replace(/'([^']+)'/g, `'$1${mark}'`));
      left.delete(list);
    }
    batches.push({ declared, renamed: new Map([[file, renamed]]) });
  }
  return batches;
}

/** The literals in declarations of types that stand for properties, or types, of which `isOf` holds; no lists of names. */
function literalsOf(files: readonly string[], isOf: (property: string, file: string) => boolean): Batch {
  const declared = new Map<string, string>();
  const renamed = new Map<string, string>();
  for (const file of files) {
    const text = readFileSync(join(root, file), 'utf8');
    const values = stripTypeScriptTypes(text);
    const open = withoutArguments(text);
    let property = '';
    const rename = (found: string, name: string | undefined, member: string | undefined, at: number) => {
      property = name ?? property;
      const declares = member !== undefined && values[at] !== "'" && open[at] === "'";
      if (!declares || text.includes(`, ${property}>`) || !isOf(property, file)) return found;
      declared.set(member, `${file}: ${property}`);
      return `'${member}${mark}'`;
    };
    renamed.set(file, text.replace(/(?<=readonly |type |^ +)(\w+)(?:\??:| =) |'([\w-]+)'/gm, rename));
  }
  return { declared, renamed };
}

/** Blanks the arguments of types (`Pick<A, 'b'>`, `A['b']`): their literals name members, and declare none. */
function withoutArguments(text: string): string {
  const blank = (found: string) => ' '.repeat(found.length);
  let rest = text.replace(/\['\w+'\]/g, blank);
  for (let before = ''; before !== rest; ) {
    before = rest;
    rest = rest.replace(/<[^<>=]*>/g, blank);
  }
  return rest;
}

/** "Type … is not assignable to …", of a value, of an argument, and with a guess at what was meant. */
const notAssignable = /^([^(\n]+)\((\d+),(\d+)\): error TS(?:2322|2345|2820): (.*)$/gm;

function unmadeOf({ declared, renamed }: Batch): string[] {
  const copy = mkdtempSync(join(tmpdir(), 'firstbyte-unmade-'));
  try {
    for (const name of ['src', 'tsconfig.json', 'tsconfig.build.json', 'package.json']) {
      cpSync(join(root, name), join(copy, name), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    for (const [file, text] of renamed) writeFileSync(join(copy, file), text);
    const options = ['-p', 'tsconfig.build.json', '--noEmit', '--noErrorTruncation', '--pretty', 'false'];
    const { stdout } = spawnSync('tsc', options, { cwd: copy, encoding: 'utf8' });
    const made = new Set<string>();
    for (const [, file = '', line, column, message = ''] of stdout.matchAll(notAssignable)) {
      const text = readFileSync(join(copy, file), 'utf8').split('\n')[Number(line) - 1] ?? '';
      for (const [, member = ''] of text.slice(Number(column) - 1).matchAll(/'([^']+)'/g)) made.add(member);
      const [source = ''] = message.split('is not assignable');
      for (const [, member = ''] of source.matchAll(/"([^"]+)"/g)) made.add(member);
    }
    return [...declared].filter(([member]) => !made.has(member)).map(([member, where]) => `${where}: '${member}'`);
  } finally {
    rmSync(copy, { recursive: true });
  }
}

const fill = readdirSync(join(root, 'src/fill')).map((name) => `src/fill/${name}`);
/** Which member of a union an object is, says one property of it. */
const isTag = (property: string, file: string) =>
  property === 'type' || property === 'phase' || (property === 'kind' && file !== 'src/events.ts');
const declaring = ['src/events.ts', ...fill];
const unmade = [
  ...listsOf('src/events.ts'),
  literalsOf(declaring, (property, file) => !isTag(property, file)),
  literalsOf(declaring, isTag),
].flatMap(unmadeOf);
if (unmade.length > 0) console.log(`Members of unions that nothing makes (${unmade.length})\n${unmade.join('\n')}`);
process.exitCode = unmade.length === 0 ? 0 : 1;
