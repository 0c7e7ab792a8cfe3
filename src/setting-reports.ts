/** The settings as the control API shows them: each with its value and where it came from, without secrets. */
import { showValue } from './config/problems.ts';
import { type LoadedSettings, namesOf, type Settings, settingKeys, settingRow } from './config.ts';
import type { SettingReport } from './control/answers.ts';
import { showableText } from './showable.ts';

export function settingReports(settings: Settings, sources?: LoadedSettings['sources']): SettingReport[] {
  return settingKeys.map((key) => {
    const { sentence, default: preset } = settingRow(key);
    const words = typeof preset === 'object' ? (preset?.words ?? null) : preset;
    const said = { sentence, default: words };
    if (sources === undefined) return { key, value: shownValue(settings, key), source: 'program', name: '', ...said };
    const { from, name, text } = sources[key];
    return { key, value: text, source: from, name, ...said };
  });
}

function shownValue(settings: Settings, key: keyof Settings): string {
  const value = settings[key];
  if (value === null) return '';
  if (namesOf(key).flag === null) return '***';
  if (key === 'origins') return settings.origins.map(({ name, url }) => `${name}=${showableText(url.href)}`).join(' ');
  return showValue(value);
}
