/** The completion script for bash. */
import type { CompletedCommand, CompletedOption } from './completed-commands.ts';

export function bashCompletion(commands: readonly CompletedCommand[]): string {
  return `# Completes firstbyte in bash: source <(firstbyte completion bash)
_firstbyte() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command= at options= words= cached=
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    if [[ \${COMP_WORDS[at]} != -* ]]; then command=\${COMP_WORDS[at]}; break; fi
  done
  case $command in
${commands.map(commandCase).join('')}    *) words='${commands.map(({ name }) => name).join(' ')}'; options='--help --version' ;;
  esac
  case $command:$before in
${commands.flatMap(({ name, options }) => options.map((option) => valueCase(name, option))).join('')}  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  elif [[ -n $words ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
  elif [[ -n $cached ]]; then
    # A name may have blanks: each line is one.
    local path typed=\${word//\\\\/}
    while IFS=$'\\t' read -r path _; do
      if [[ $path == "$typed"* ]]; then COMPREPLY+=("$path"); fi
    done < <(firstbyte ls 2>/dev/null)
    if (( \${#COMPREPLY[@]} == 0 )); then COMPREPLY=($(compgen -f -- "$word")); fi
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -o filenames -F _firstbyte firstbyte
`;
}

function commandCase({ name, options, words, cached }: CompletedCommand): string {
  const flags = options.map(({ flag }) => flag).join(' ');
  return `    ${name}) options='${flags} --help'; words='${words.join(' ')}'; cached='${cached ? 'yes' : ''}' ;;\n`;
}

function valueCase(command: string, { flag, value, choices, file }: CompletedOption): string {
  if (value === undefined) return '';
  const list = choices === undefined ? '' : `COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$word"))`;
  const reply = list || (file ? 'COMPREPLY=($(compgen -f -- "$word"))' : ':');
  return `    ${command}:${flag}) ${reply}; return ;;\n`;
}
