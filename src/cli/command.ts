/** The command line: the commands of the table, the flags of the settings, and the function that runs each command. */
import { Command, CommanderError, Option } from 'commander';
import { systemClock } from '../clock.ts';
import { ConfigError, loadSettings, namesOf, serviceVariables, settingKeys, settingRow } from '../config.ts';
import { complain, print, terminal } from '../console.ts';
import { version } from '../version.ts';
import {
  type CommandName,
  type CommandOption,
  type CommandRow,
  choosingKeys,
  commandNames,
  commandRow,
  commandTable,
  operandUsage,
} from './command-table.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import type { Ending, Invocation, Command as Run, Surroundings } from './invocation.ts';

/** Each command is loaded when it is called, so that no command waits until others are loaded. */
const commands: Readonly<Record<CommandName, () => Promise<Run>>> = {
  serve: async () => (await import('./serve.ts')).serve,
  play: async () => (await import('./play.ts')).play,
  ls: async () => (await import('./ls.ts')).ls,
  rm: async () => (await import('./rm.ts')).rm,
  pin: async () => (await import('./pin.ts')).pin,
  unpin: async () => (await import('./pin.ts')).unpin,
  verify: async () => (await import('./verify.ts')).verify,
  warm: async () => (await import('./warm.ts')).warm,
  export: async () => (await import('./export.ts')).exportFile,
  top: async () => (await import('./top.ts')).top,
  stats: async () => (await import('./stats.ts')).stats,
  logs: async () => (await import('./logs.ts')).logs,
  page: async () => (await import('./page.ts')).page,
  doctor: async () => (await import('./doctor.ts')).doctor,
  config: async () => (await import('./explain.ts')).config,
  reload: async () => (await import('./reload.ts')).reload,
  completion: async () => (await import('./completion.ts')).completion,
};

const flagsAndFile = `
Every flag has a variable (--cache-dir is FIRSTBYTE_CACHE_DIR) and a key in the file (cacheDir).
A flag is stronger than a variable, a variable than the file, the file than the default.
`;

const exitCodeHelp = `
Exit codes:
${Object.values(exitCodes)
  .map(({ code, meaning }) => `  ${String(code).padStart(3)}  ${meaning}`)
  .join('\n')}
`;

const machine: Surroundings = {
  start: async (...given) => (await import('./own-process.ts')).startInOwnProcess(...given),
  signals: process,
  print,
  complain,
  terminal,
  clock: systemClock,
  service: serviceVariables(),
};

/** Runs one command line; resolves with the exit code. */
export async function runCommand(args: readonly string[], around: Surroundings = machine): Promise<number> {
  let ending: Ending = 'stopped';
  const program = new Command('firstbyte')
    .description('A progressive media cache proxy: press play on a slow server, and it plays.')
    .version(version, '--version', 'print the version')
    .helpOption('--help', 'print this help')
    .helpCommand(false)
    .addHelpText('after', examplesOf(commandTable.serve) + exitCodeHelp)
    .configureOutput({ writeOut: around.print, writeErr: around.complain })
    .exitOverride()
    .hook('preSubcommand', (_, called) => addSettings(called));
  for (const name of commandNames) {
    const command = addCommand(program, name);
    command.action(async () => {
      const run = await commands[name]();
      ending = await run(invocationOf(command, commandRow(name), around));
    });
  }

  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof ConfigError) {
      around.complain(`The configuration is wrong:\n${error.problems.map((problem) => `  ${problem}\n`).join('')}`);
      ending = 'usage';
    } else if (error instanceof CommandError) {
      around.complain(`${error.message}\n`);
      ending = error.reason;
    } else if (error instanceof CommanderError) {
      ending = error.exitCode === 0 ? 'stopped' : 'usage';
    } else throw error;
  }
  return typeof ending === 'number' ? ending : exitCodes[ending].code;
}

function addCommand(program: Command, name: CommandName): Command {
  const row = commandRow(name);
  const command = program.command(name).description(row.sentence);
  for (const operand of row.operands ?? []) command.argument(operandUsage(operand), operand.sentence);
  for (const option of row.options ?? []) command.addOption(commanderOption(option));
  if (row.settings !== 'none') {
    command.addOption(
      new Option('--config <FILE>', 'the configuration file (JSON with comments); also FIRSTBYTE_CONFIG'),
    );
  }
  command.addHelpText('after', examplesOf(row) + (row.settings === 'none' ? '' : flagsAndFile));
  return command;
}

function commanderOption({ flag, value, choices, sentence }: CommandOption): Option {
  const option = new Option(value === undefined ? flag : `${flag} <${value}>`, sentence);
  return choices === undefined ? option : option.choices(choices);
}

function examplesOf({ examples }: CommandRow): string {
  return `\nExamples:\n${examples.map(({ line, sentence }) => `  ${line}\n      ${sentence}\n`).join('')}`;
}

/**
 * Adds the flags of all settings to the command that is called, under their keys, where it has any. commander compares each
 * flag with every other, so other commands go without.
 */
function addSettings(command: Command): void {
  const { settings } = commandRow(command.name() as CommandName);
  if (settings === 'none') return;
  const shown = settings === 'shown';
  for (const key of settingKeys) {
    const { flag } = namesOf(key);
    if (flag === null) continue;
    const { type, sentence, repeatable = false, default: preset } = settingRow(key);
    const { placeholder } = type;
    const words = typeof preset === 'object' ? preset?.words : preset;
    const option = new Option(`${flag} <${placeholder}>`, `${sentence}${words ? ` (${words})` : ''}`);
    if (repeatable) option.argParser((word: string, before: string[] = []) => [...before, word]);
    const hidden = !shown && !choosingKeys.some((each) => each === key);
    command.addOption(option.hideHelp(hidden));
    if (key === 'store') command.addOption(new Option('--no-store', 'the same as --store none').hideHelp(hidden));
  }
}

/** The parsed command line. The command's own options are separate from flags of settings. */
function invocationOf(command: Command, row: CommandRow, around: Surroundings): Invocation {
  const own = new Set((row.options ?? []).map((option) => commanderOption(option).attributeName()));
  const read: [string, unknown][] = Object.entries(command.opts());
  const { origin, store, ...rest } = Object.fromEntries(read.filter(([name]) => !own.has(name)));
  const flags = { ...rest, store: store === false ? 'none' : store };
  let warned = false;
  return {
    operands: command.args,
    options: Object.fromEntries(read.filter(([name]) => own.has(name))) as Invocation['options'],
    load(instead) {
      const loaded = loadSettings({ flags: { ...flags, origins: origin, ...instead } });
      // A command may load more than once.
      if (!warned) for (const warning of loaded.warnings) around.complain(`Warning: ${warning}\n`);
      warned = true;
      return loaded;
    },
    around,
  };
}
