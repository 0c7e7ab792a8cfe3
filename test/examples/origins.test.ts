/** Every configuration in examples/origins/ is one that firstbyte takes, and the guide shows each as it is. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { loadSettings } from '../../src/config.ts';

const directory = new URL('../../examples/origins/', import.meta.url);
const guide = readFileSync(new URL('../../docs/guide/origins.md', import.meta.url), 'utf8');

/** What stands beside the files, or in the environment, of somebody who uses them. */
const files: Record<string, string> = {
  'cloud-password': 'secret\n',
  'company-ca.pem': '-----BEGIN CERTIFICATE-----\n',
};
const env = { PLEX_TOKEN: 'secret', SEEDBOX_PASSWORD: 'secret' };

for (const file of readdirSync(directory)) {
  const text = readFileSync(new URL(file, directory), 'utf8');

  test(`${file} is taken, and shows no secret`, () => {
    const readFile = (path: string) => (path.endsWith('.json') ? text : (files[basename(path)] ?? assert.fail(path)));
    const { settings, sources } = loadSettings({ flags: { config: `/etc/${file}` }, env, readFile });
    assert.equal(settings.origins.length, 1);
    assert.doesNotMatch(JSON.stringify(sources), /secret(?!Path)/);
  });

  test(`${file} is in docs/guide/origins.md`, () => {
    assert.ok(guide.includes(`examples/origins/${file}`), 'no link');
    assert.ok(guide.includes(`\`\`\`json\n${text}\`\`\``), 'not as it is');
  });
}
