/** The configurations that docs/guide/real-servers.md shows, so that the ones shown are the ones tested. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const page = readFileSync(join(import.meta.dirname, '../../docs/guide/real-servers.md'), 'utf8');

/** The block in `language` below a heading, with the places that it names put in. */
export function fromGuide(heading: string, language: string, places: Readonly<Record<string, string>>): string {
  const [, section] = page.split(`\n## ${heading}\n`);
  const [, block] = section?.split('\n## ')[0]?.split(`\n\`\`\`${language}\n`) ?? [];
  const text = block?.split('\n```')[0];
  if (text === undefined) throw new Error(`The guide shows no ${language} under "${heading}".`);
  return Object.entries(places).reduce((written, [shown, real]) => {
    if (!written.includes(shown)) throw new Error(`The guide's ${language} under "${heading}" names no ${shown}.`);
    return written.replaceAll(shown, real);
  }, text);
}
