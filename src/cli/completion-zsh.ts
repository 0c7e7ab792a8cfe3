/** The completion script for zsh. */
import type { CompletedCommand, CompletedOption } from './completed-commands.ts';

export function zshCompletion(commands: readonly CompletedCommand[]): string {
  return `#compdef firstbyte
# Completes firstbyte in zsh: firstbyte completion zsh > a directory of $fpath/_firstbyte
_firstbyte_cached() {
  local -a paths
  paths=("\${(@f)$(firstbyte ls 2>/dev/null | cut -f1)}")
  compadd -a paths
}
_firstbyte() {
  local -a commands
  commands=(
${commands.map(({ name, sentence }) => `    ${quoted(`${name}:${sentence}`)}\n`).join('')}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
${commands.map(commandCase).join('')}  esac
}
_firstbyte "$@"
`;
}

function commandCase({ name, options, words, cached }: CompletedCommand): string {
  const others = cached ? "'*:cached file:_firstbyte_cached'" : "'*:file:_files'";
  const rest = words.length === 0 ? others : quoted(`1:word:(${words.join(' ')})`);
  const specs = [...options.map(optionSpec), rest].map((spec) => ` \\\n      ${spec}`);
  return `    ${name}) _arguments${specs.join('')} ;;\n`;
}

function optionSpec({ flag, value, choices, file, sentence }: CompletedOption): string {
  const explained = `${flag}[${sentence.replace(/[[\]\\:]/g, '\\$&')}]`;
  if (value === undefined) return quoted(explained);
  const action = choices === undefined ? (file ? '_files' : '') : `(${choices.join(' ')})`;
  return quoted(`${explained}:value:${action}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
