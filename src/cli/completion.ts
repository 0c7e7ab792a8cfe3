/** `firstbyte completion`: the script that completes commands, options and their values, made from the table. */

import { kindOf } from '../config/values.ts';
import { namesOf, settingKeys, settingRow } from '../config.ts';
import { type CommandOption, commandNames, commandRow } from './command-table.ts';
import { bashCompletion } from './completion-bash.ts';
import { fishCompletion } from './completion-fish.ts';
import { zshCompletion } from './completion-zsh.ts';
import { CommandError, type ExitReason } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';

/** One command as a shell needs to know it. */
export interface CompletedCommand {
  readonly name: string;
  readonly sentence: string;
  readonly options: readonly CompletedOption[];
  /** What its operands can be, where that is known. */
  readonly words: readonly string[];
}

export interface CompletedOption extends CommandOption {
  /** Whether its value is a path. */
  readonly file: boolean;
}

const scripts: Readonly<Record<string, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

export async function completion({ operands, around }: Invocation): Promise<ExitReason> {
  const [shell = ''] = operands;
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
  if (script === undefined) {
    throw new CommandError('usage', `"${shell}" is no shell that is known here: ${Object.keys(scripts).join(', ')}`);
  }
  around.print(script(completedCommands()));
  return 'stopped';
}

function completedCommands(): CompletedCommand[] {
  return commandNames.map((name) => {
    const { sentence, options = [], operands = [], settings } = commandRow(name);
    const own = options.map((option) => ({ ...option, file: false }));
    const words = operands.flatMap(({ completion }) => (Array.isArray(completion) ? completion : []));
    return { name, sentence, words, options: settings === 'none' ? own : [...own, ...settingOptions()] };
  });
}

function settingOptions(): CompletedOption[] {
  const config = { flag: '--config', value: 'FILE', sentence: 'the configuration file (JSON)', file: true } as const;
  const flags = settingKeys.flatMap((key): CompletedOption[] => {
    const { flag } = namesOf(key);
    if (flag === null) return [];
    const { type, sentence } = settingRow(key);
    const { placeholder } = kindOf(type);
    const choices = placeholder.includes('|') ? { choices: placeholder.split('|') } : {};
    return [{ flag: flag as `--${string}`, value: placeholder, sentence, file: placeholder === 'PATH', ...choices }];
  });
  return [config, ...flags];
}
