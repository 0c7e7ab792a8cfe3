/** docs/reference/commands.md, from the table of commands. */
import { commandNames, commandRow, operandUsage } from '../src/cli/command-table.ts';

export function commandReference(): string {
  return `# Commands

Made from the table in \`src/cli/command-table.ts\` by \`tools/reference.ts\`; do not edit.

A command that needs firstbyte talks to the one that owns the cache directory, over its control API. Where none runs,
it starts one in its own process for as long as it takes. \`--url\` names another, and \`FIRSTBYTE_TOKEN\` its token;
\`top\`, \`stats\`, \`logs\` and \`page\` look at one that runs and start none.

Every command knows \`--help\`, and where it can start firstbyte all flags of
[the settings](configuration.md). \`--json\` prints JSON on standard output, and nothing else there. Progress and
complaints go to standard error; bars and colours are for terminals only, where \`NO_COLOR\` and \`FORCE_COLOR\` count.
SIGINT gives up what runs and says what is done. How it ends is told by [the exit code](exit-codes.md).

${commandNames.map(section).join('\n')}`;
}

function section(name: (typeof commandNames)[number]): string {
  const row = commandRow(name);
  const { sentence, details, operands = [], options = [], examples } = row;
  const usage = ['firstbyte', name, '[options]', ...operands.map(operandUsage)].join(' ');
  const rows = [
    ...operands.map((operand) => `| \`${operandUsage(operand)}\` | ${operand.sentence} |`),
    ...options.map(({ flag, value, sentence, choices }) => {
      const words = value === undefined ? flag : `${flag} ${value}`;
      return `| \`${words}\` | ${sentence}${choices === undefined ? '' : `: ${choices.join(', ')}`} |`;
    }),
  ];
  const table = rows.length === 0 ? '' : `\n| | |\n|---|---|\n${rows.join('\n')}\n`;
  const shown = examples.map(({ line, sentence }) => `# ${sentence}\n${line}\n`).join('\n');
  const more = details === undefined ? '' : ` ${details}`;
  return `## \`firstbyte ${name}\`\n\n${sentence}${more}\n\n\`\`\`\n${usage}\n\`\`\`\n${table}\n\`\`\`sh\n${shown}\`\`\`\n`;
}
