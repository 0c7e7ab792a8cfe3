/** The commands of the table as a shell completes them: names, options, and the values that are known. */
import { namesOf, settingKeys, settingRow } from '../config.ts';
import { type CommandOption, type CommandRow, choosingKeys, commandNames, commandRow } from './command-table.ts';

/** One command as a shell needs to know it. */
export interface CompletedCommand {
  readonly name: string;
  readonly sentence: string;
  readonly options: readonly CompletedOption[];
  /** The words that its operands can be, where known. */
  readonly words: readonly string[];
  /** Whether its operands can be cached files. */
  readonly cached: boolean;
}

export interface CompletedOption extends CommandOption {
  /** Whether its value is a path. */
  readonly file: boolean;
}

export function completedCommands(): CompletedCommand[] {
  return commandNames.map((name) => {
    const { sentence, options = [], operands = [], settings } = commandRow(name);
    const own = options.map((option) => ({ ...option, file: false }));
    const words = operands.flatMap(({ completion }) => (Array.isArray(completion) ? completion : []));
    const cached = operands.some(({ completion }) => completion === 'cached');
    return { name, sentence, words, cached, options: [...own, ...settingOptions(settings)] };
  });
}

/** Those that its help shows. */
function settingOptions(shown: CommandRow['settings']): CompletedOption[] {
  if (shown === 'none') return [];
  const config = { flag: '--config', value: 'FILE', sentence: 'the configuration file (JSON)', file: true } as const;
  const keys = shown === 'shown' ? settingKeys : choosingKeys;
  const flags = keys.flatMap((key): CompletedOption[] => {
    const { flag } = namesOf(key);
    if (flag === null) return [];
    const { type, sentence } = settingRow(key);
    const { placeholder } = type;
    const choices = placeholder.includes('|') ? { choices: placeholder.split('|') } : {};
    return [{ flag: flag as `--${string}`, value: placeholder, sentence, file: placeholder === 'PATH', ...choices }];
  });
  return [config, ...flags];
}
