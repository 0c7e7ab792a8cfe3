/** Which firstbyte this is. */
import { readFileSync } from 'node:fs';

const { version: own } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** As in package.json. */
export const version: string = own;
