/** The sources as text, for tests that hold them to a rule. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** The folders of `src/` that a request goes through. */
export const core: readonly string[] = ['bytes', 'http', 'origin', 'store', 'fill', 'cache', 'proxy'];

export interface SourceFile {
  /** Relative to the folder that was asked for, with forward slashes. */
  readonly path: string;
  /** Without comments. */
  readonly code: string;
  /** What it imports, types too: files as their `path`, everything else by its name. */
  readonly imports: readonly string[];
}

/** The files of `src/`. */
export function readSources(): SourceFile[] {
  return readFolder('src', filesBelow('src'));
}

/** The files of `src/` and of the page in `dashboard/`, relative to the repository. */
export function readAllSources(): SourceFile[] {
  return readFolder('.', [...filesBelow('src'), ...filesBelow('dashboard')]);
}

/** Those of these files that are sources, with their paths relative to `folder`. */
export function readFolder(folder: string, files: readonly string[]): SourceFile[] {
  return files
    .filter((file) => /\.tsx?$/.test(file))
    .sort()
    .map((file) => {
      const path = relative(folder, file).replaceAll('\\', '/');
      const code = withoutComments(readText(file));
      const names = [...code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map(([, name = '']) => name);
      const imports = names.map((name) =>
        name.startsWith('.') ? normalize(join(dirname(path), name)).replaceAll('\\', '/') : name,
      );
      return { path, code, imports };
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
