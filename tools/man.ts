/** The man page firstbyte(1), from the tables of commands, settings and exit codes, in the macros of man(7). */
import { type CommandOption, commandNames, commandRow, operandUsage } from '../src/cli/command-table.ts';
import { exitCodes } from '../src/cli/exit-codes.ts';
import { namesOf, settingKeys, settingRow } from '../src/config.ts';

export function manualPage(): string {
  return `.\\" Made by tools/reference.ts from the tables of src/; do not edit.
.TH FIRSTBYTE 1 "" firstbyte "User Commands"
.SH NAME
firstbyte \\- a progressive media cache proxy
.SH SYNOPSIS
.B firstbyte
.I COMMAND
.RI [ options ]
.RI [ operands ]
.SH DESCRIPTION
A player asks firstbyte for a file of a named origin. firstbyte brings the file in, gives the player each byte as it
lands, keeps what landed on disk, and serves the next request from there.
.PP
A command that needs firstbyte talks to the one that owns the cache directory. Where none runs, it starts one in its
own process for as long as it takes.
.SH COMMANDS
${commandNames.map(commandEntry).join('')}.SH SETTINGS
Every setting has a flag, a variable and a key in the file that
.B \\-\\-config
names. A flag is stronger than a variable, a variable than the file, the file than the default.
${settingKeys.map(settingEntry).join('')}.SH EXIT STATUS
${Object.values(exitCodes)
  .map(({ code, meaning }) => `.TP\n.B ${code}\n${roff(meaning)}\n`)
  .join('')}.PP
.B firstbyte play
ends with the code of its player.
.SH FILES
.TP
.I $XDG_CACHE_HOME/firstbyte
or
.IR ~/.cache/firstbyte :
what was fetched, unless
.B \\-\\-cache\\-dir
names another directory.
.SH ENVIRONMENT
.TP
.BR NO_COLOR ", " FORCE_COLOR
whether colours are used, in place of asking whether there is a terminal.
`;
}

function commandEntry(name: (typeof commandNames)[number]): string {
  const { sentence, details, operands = [], options = [], examples } = commandRow(name);
  const usage = [`\\fBfirstbyte ${name}\\fR`, ...operands.map((operand) => `\\fI${roff(operandUsage(operand))}\\fR`)];
  const shown = examples.map(({ line, sentence }) => `.PP\n${roff(sentence)}\n.PP\n.EX\n${roff(line)}\n.EE\n`);
  return `.SS ${usage.join(' ')}
${roff(sentence)}${details === undefined ? '' : `\n${roff(details)}`}
${operands.map((operand) => `.TP\n.I ${roff(operand.name)}\n${roff(operand.sentence)}\n`).join('')}${options.map(optionEntry).join('')}${shown.join('')}`;
}

function optionEntry({ flag, value, sentence, choices }: CommandOption): string {
  const words = choices === undefined ? '' : `: ${choices.join(', ')}`;
  const taken = value === undefined ? '' : ` \\fI${roff(value)}\\fR`;
  return `.TP\n\\fB${roff(flag)}\\fR${taken}\n${roff(sentence + words)}\n`;
}

function settingEntry(key: (typeof settingKeys)[number]): string {
  const { type, sentence } = settingRow(key);
  const { flag, variable } = namesOf(key);
  const { placeholder } = type;
  const head = flag === null ? `\\fB${roff(variable)}\\fR` : `\\fB${roff(flag)}\\fR \\fI${roff(placeholder)}\\fR`;
  return `.TP\n${head}\n${roff(sentence)}\n`;
}

/** A text of any words: nothing in it is a request or an escape, and what stands in backquotes is bold. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('~', '\\(ti')
    .replaceAll('^', '\\(ha')
    .replace(/`([^`]*)`/g, '\\fB$1\\fR')
    .replace(/^(?=[.'])/gm, '\\&');
}
