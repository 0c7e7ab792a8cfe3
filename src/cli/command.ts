/** The command line: its commands and flags, made from the table of settings. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { kindOf } from '../config/values.ts';
import { ConfigError, type LoadedSettings, loadSettings, namesOf, settingKeys, settingRow } from '../config.ts';
import { complain, print } from '../console.ts';
import { type ExitReason, exitCodes } from './exit-codes.ts';
import { settingsJson, settingsText } from './explain.ts';
import { type Surroundings, serve } from './serve.ts';

const examples = `
Examples:
  firstbyte serve --origin films=https://media.example/films
      then play http://127.0.0.1:8787/films/holiday.mkv
  firstbyte serve --origin nas=http://nas.local:8096 --origin tv=https://tv.example --cache-dir /var/cache/firstbyte
  firstbyte serve --config /etc/firstbyte.json --log-format json
  firstbyte serve --origin nas=http://nas.local --listen 0.0.0.0:8787 --allow-from 192.168.1.0/24
  firstbyte config --explain --config /etc/firstbyte.json

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
  start: async (settings) => (await import('../daemon.ts')).startDaemon(settings),
  signals: process,
  print,
  complain,
};

/** Runs one command line; resolves with the exit code. */
export async function runCommand(args: readonly string[], around: Surroundings = machine): Promise<number> {
  let reason: ExitReason = 'stopped';
  const program = new Command('firstbyte')
    .description('A progressive media cache proxy: press play on a slow server, and it plays.')
    .version(version(), '--version', 'print the version')
    .helpOption('--help', 'print this help')
    .helpCommand(false)
    .addHelpText('after', examples + exitCodeHelp)
    .configureOutput({ writeOut: around.print, writeErr: around.complain })
    .exitOverride();

  withSettings(program.command('serve').description('Serve the origins, until a signal ends it.'))
    .addHelpText('after', examples)
    .action(async (flags) => {
      reason = await serve(load(flags).settings, around);
    });

  withSettings(program.command('config').description('Check the configuration and print it.'))
    .option('--explain', 'say where each value came from and what it is for')
    .option('--json', 'print JSON for programs')
    .action(({ explain = false, json = false, ...flags }) => {
      const loaded = load(flags);
      around.print(json ? settingsJson(loaded) : settingsText(loaded, explain));
    });

  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof ConfigError) {
      around.complain(`The configuration is wrong:\n${error.problems.map((problem) => `  ${problem}\n`).join('')}`);
      reason = 'usage';
    } else if (error instanceof CommanderError) {
      reason = error.exitCode === 0 ? 'stopped' : 'usage';
    } else throw error;
  }
  return exitCodes[reason].code;
}

/** Gives a command the flags of all settings, under their keys. */
function withSettings(command: Command): Command {
  command.addOption(new Option('--config <FILE>', 'the configuration file (JSON); also FIRSTBYTE_CONFIG'));
  for (const key of settingKeys) {
    const { flag } = namesOf(key);
    if (flag === null) continue;
    const { type, sentence, repeatable = false, default: preset } = settingRow(key);
    const { placeholder } = kindOf(type);
    const words = typeof preset === 'object' ? preset?.words : preset;
    const option = new Option(`${flag} <${placeholder}>`, `${sentence}${words ? ` (${words})` : ''}`);
    if (repeatable) option.argParser((word: string, before: string[] = []) => [...before, word]);
    command.addOption(option);
    if (key === 'store') command.addOption(new Option('--no-store', 'the same as --store none'));
  }
  return command;
}

/** Settings from the flags as commander names them. */
function load(options: Readonly<Record<string, unknown>>): LoadedSettings {
  const { origin, store, ...flags } = options;
  return loadSettings({ flags: { ...flags, store: store === false ? 'none' : store, origins: origin } });
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return version;
}
