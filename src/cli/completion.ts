/** `firstbyte completion`: the script that completes commands, options and their values, made from the table. */
import { type CompletedCommand, completedCommands } from './completed-commands.ts';
import { bashCompletion } from './completion-bash.ts';
import { fishCompletion } from './completion-fish.ts';
import { zshCompletion } from './completion-zsh.ts';
import { CommandError, type ExitReason } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';

const scripts: Readonly<Record<string, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

export async function completion({ operands, around }: Invocation): Promise<ExitReason> {
  const [shell = ''] = operands;
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
  if (script === undefined) {
    throw new CommandError(
      'usage',
      `Unknown shell "${shell}"; use ${Object.keys(scripts)
        .join(', ')
        .replace(/, (\w+)$/, ' or $1')}`,
    );
  }
  around.print(script(completedCommands()));
  return 'stopped';
}
