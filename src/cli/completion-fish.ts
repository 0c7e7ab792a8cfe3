/** The completion script for fish. */
import type { CompletedCommand, CompletedOption } from './completed-commands.ts';

export function fishCompletion(commands: readonly CompletedCommand[]): string {
  return `# Completes firstbyte in fish: firstbyte completion fish > ~/.config/fish/completions/firstbyte.fish
complete -c firstbyte -n __fish_use_subcommand -f -l help -d 'print this help'
complete -c firstbyte -n __fish_use_subcommand -f -l version -d 'print the version'
${commands.flatMap(commandLines).join('')}`;
}

function commandLines({ name, sentence, options, words, cached }: CompletedCommand): string[] {
  const when = `complete -c firstbyte -n '__fish_seen_subcommand_from ${name}'`;
  return [
    `complete -c firstbyte -n __fish_use_subcommand -f -a ${name} -d ${quoted(sentence)}\n`,
    ...(words.length === 0 ? [] : [`${when} -f -a ${quoted(words.join(' '))}\n`]),
    ...(cached ? [`${when} -f -a '(firstbyte ls 2>/dev/null | cut -f1)'\n`] : []),
    ...options.map((option) => `${when} ${optionWords(option)}\n`),
  ];
}

function optionWords({ flag, value, choices, file, sentence }: CompletedOption): string {
  const takes =
    value === undefined ? '' : choices !== undefined ? ` -x -a ${quoted(choices.join(' '))}` : file ? ' -r' : ' -x';
  return `-l ${flag.slice(2)}${takes} -d ${quoted(sentence)}`;
}

function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`;
}
