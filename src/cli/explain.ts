/** `firstbyte config`: each setting, its value and its source. */
import { sharedBy } from '../config/origins.ts';
import { type LoadedSettings, namesOf, type Settings, settingKeys, settingRow } from '../config.ts';
import type { ExitReason } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';

export async function config({ load, options, around }: Invocation): Promise<ExitReason> {
  const loaded = load();
  around.print(options.json ? settingsJson(loaded) : settingsText(loaded, options.explain === true));
  return 'stopped';
}

/** One line for each setting; with `explain`, also its purpose and its names. */
function settingsText({ settings, sources }: LoadedSettings, explain: boolean): string {
  const width = Math.max(...settingKeys.map((key) => key.length));
  const lines = settingKeys.map((key) => {
    const { from, name, text } = sources[key];
    const line = `${key.padEnd(width)}  ${text === '' ? '(none)' : text}`;
    if (!explain) return line;
    const { flag, variable } = namesOf(key);
    const names = flag === null ? variable : `${flag}, ${variable}`;
    return `${line}\n  from ${from === 'default' ? 'the default' : `${from} ${name}`}\n  ${settingRow(key).sentence}\n  ${names}\n${key === 'origins' ? sharingText(settings) : ''}`;
  });
  return `${lines.join('\n')}\n`;
}

function sharingText({ origins }: Settings): string {
  return origins
    .map((origin) => [origin.name, sharedBy(origin)])
    .flatMap(([name, words]) => (words ? `  ${name}: ${words}\n` : []))
    .join('');
}

/** The same for programs. */
function settingsJson({ sources }: LoadedSettings): string {
  const rows = settingKeys.map((key) => {
    const { from, name, text } = sources[key];
    return [key, { value: text, from, name, ...namesOf(key), sentence: settingRow(key).sentence }];
  });
  return `${JSON.stringify(Object.fromEntries(rows), null, 2)}\n`;
}
