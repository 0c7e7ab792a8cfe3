/** The sources as text, for tests that hold them to a rule. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

const root = join(import.meta.dirname, '../..');

export interface SourceFile {
  /** Relative to `src/`, with forward slashes. */
  readonly path: string;
  /** Without comments. */
  readonly code: string;
  /** What it imports: files of `src/` as their `path`, everything else by its name. */
  readonly imports: readonly string[];
}

export function readSources(): SourceFile[] {
  const src = join(root, 'src');
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .map((path) => {
      const code = withoutComments(readFileSync(join(src, path), 'utf8'));
      const names = [...code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map(([, name = '']) => name);
      const imports = names.map((name) =>
        name.startsWith('.') ? normalize(join(dirname(path), name)).replaceAll('\\', '/') : name,
      );
      return { path: path.replaceAll('\\', '/'), code, imports };
    });
}

/** A file of the repository as text. */
export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** Paths of all files below a directory of the repository, relative to the repository. */
export function filesBelow(directory: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[\s;{}(),])\/\/[^\n]*/g, '$1');
}
