/** Writes the pages that follow from the sources: `node tools/reference.ts`. */
import { writeFileSync } from 'node:fs';
import { exitCodes } from '../src/cli/exit-codes.ts';
import { originTable } from '../src/config/origins.ts';
import { presets } from '../src/config/presets.ts';
import { namesOf, settingKeys, settingRow } from '../src/config.ts';
import { metricsReference } from '../src/control/metrics.ts';
import { apiReference } from './api-reference.ts';
import { commandReference } from './commands.ts';
import { conformanceReference } from './http-conformance.ts';
import { manualPage } from './man.ts';
import { architecturePage } from './map.ts';
import { waitingReference } from './waiting.ts';

/** Each page by its path, and what it must say. */
export const referencePages: Readonly<Record<string, () => string>> = {
  'ARCHITECTURE.md': architecturePage,
  'docs/reference/commands.md': commandReference,
  'docs/reference/api.md': apiReference,
  'docs/reference/configuration.md': configurationReference,
  'docs/reference/exit-codes.md': exitCodeReference,
  'docs/reference/http-conformance.md': conformanceReference,
  'docs/reference/metrics.md': metricsReference,
  'docs/reference/waiting.md': waitingReference,
  'man/firstbyte.1': manualPage,
};

const groups = {
  listening: 'Listening',
  origins: 'Origins',
  cache: 'Cache',
  waiting: 'Waiting',
  limits: 'Limits',
  logging: 'Logging',
};

function configurationReference(): string {
  const sections = Object.entries(groups).map(([group, title]) => {
    const rows = settingKeys.filter((key) => settingRow(key).group === group).map(settingEntry);
    return `## ${title}\n\n${rows.join('\n')}`;
  });
  return `# Configuration

Made from the table in \`src/config.ts\` by \`tools/reference.ts\`; do not edit.

Each setting has a flag, a variable and a key in the file. A flag is stronger than a variable, a variable than the
file, the file than the default; a list replaces the whole list of a weaker place. An empty variable counts as unset.
\`firstbyte config --explain\` shows each value and where it came from.

The file is a JSON object, named by \`--config FILE\` or \`FIRSTBYTE_CONFIG\`. A relative path in it starts at the
file's directory. Names that nobody knows are refused, in all three places.

\`\`\`json
{
  "listen": ["127.0.0.1:8787", "unix:/run/firstbyte.sock"],
  "firstByteTimeout": "45s",
  "origins": {
    "films": "https://media.example/films",
    "nas": { "url": "http://reader:secret@nas.local", "maxConnections": 1 }
  }
}
\`\`\`

Durations are written with \`ms\`, \`s\`, \`m\`, \`h\` or \`d\`; sizes with \`B\`, \`kB\`, \`MB\`, \`GB\`, \`TB\`, \`KiB\`, \`MiB\`,
\`GiB\` or \`TiB\`. In the library they are numbers: milliseconds and bytes.

${sections.join('\n')}
## One origin in the file

An origin is a URL, or an object with these keys.

${Object.entries(originTable).map(originEntry).join('\n')}

A secret is written as \`{"env": "NAME"}\`, the variable of that name (not one that begins with \`FIRSTBYTE_\`), or as
\`{"file": "PATH"}\`, the content of a file beside the configuration. Fields and cookies can also stand there as they are.

## Presets

Names of the query are compared without regard to case. What could change the bytes is in no preset. What is ignored
opens nothing any more: whoever can reach firstbyte gets what another viewer has opened with his token
([what is shared](../guide/origins.md#what-is-shared)). What is keyed is shared with nobody.

${Object.entries(presets).map(presetEntry).join('\n')}
`;
}

function settingEntry(key: (typeof settingKeys)[number]): string {
  const { type, default: preset, sentence, repeatable } = settingRow(key);
  const { flag, variable } = namesOf(key);
  const { description, unit } = type;
  const words = typeof preset === 'object' ? preset?.words : preset;
  return `### \`${key}\`

${sentence}

| | |
|---|---|
| flag | ${flag === null ? 'none: a flag would show it to every process' : `\`${flag}\`${repeatable ? ', repeatable' : ''}`} |
| variable | \`${variable}\` |
| value | ${description} |
${unit === 'text' ? '' : `| in the library | ${unit === 'number' ? 'a number' : `a number of ${unit}`} |\n`}| default | ${words ? `\`${words}\`` : 'none'} |
`;
}

function originEntry([key, { type, default: words, sentence }]: [
  string,
  (typeof originTable)[keyof typeof originTable],
]): string {
  return `- \`${key}\`: ${type.description}. ${sentence} Default: ${words}.`;
}

function presetEntry([name, { sentence, ignoreQuery, keyHeaders }]: [string, (typeof presets)[keyof typeof presets]]) {
  const names = (list: readonly string[]) => list.map((each) => `\`${each}\``).join(', ') || 'none';
  return `### \`${name}\`\n\n${sentence}\n\n- ignored: ${names(ignoreQuery)}\n- key headers: ${names(keyHeaders)}\n`;
}

function exitCodeReference(): string {
  const rows = Object.values(exitCodes).map(({ code, meaning }) => `| ${code} | ${meaning} |`);
  return `# Exit codes

Made from the table in \`src/cli/exit-codes.ts\` by \`tools/reference.ts\`; do not edit.

| code | meaning |
|---|---|
${rows.join('\n')}

Codes 2, 3 and 4 come with one sentence on standard error, and before anything was served. Standard output carries
only what was asked for: the ready line, a list, a configuration, the help. \`firstbyte play\` ends with the code of its
player.
`;
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(referencePages)) writeFileSync(path, text());
}
