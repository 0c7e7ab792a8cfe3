/**
 * Every command, in one table. It makes the command line, its help, the shell completion, the man page and
 * docs/reference/commands.md.
 */
import type { SettingKey } from '../config.ts';

export interface Operand {
  /** In capitals, as the help shows it. */
  readonly name: string;
  readonly sentence: string;
  readonly optional?: true;
  readonly repeatable?: true;
  /** What a shell completes it with: files, what is cached, or words. */
  readonly completion?: 'file' | 'cached' | readonly string[];
}

export interface CommandOption {
  readonly flag: `--${string}`;
  /** The placeholder of its value; a switch has none. */
  readonly value?: string;
  readonly choices?: readonly string[];
  readonly sentence: string;
}

export interface CommandRow {
  /** What it does, in the imperative. */
  readonly sentence: string;
  /** More sentences, for the man page and the reference. */
  readonly details?: string;
  readonly operands?: readonly Operand[];
  readonly options?: readonly CommandOption[];
  /** Which flags of settings it has: it shows all, shows only those that choose the cache, or has none. */
  readonly settings: 'shown' | 'known' | 'none';
  readonly examples: readonly { readonly line: string; readonly sentence: string }[];
}

/** The help of every command shows the flags of these settings: they choose the cache and its origins. */
export const choosingKeys = ['origins', 'cacheDir'] as const satisfies readonly SettingKey[];

const json: CommandOption = { flag: '--json', sentence: 'print JSON for programs' };
const url: CommandOption = {
  flag: '--url',
  value: 'URL',
  sentence: 'the firstbyte to use, such as http://nas.local:8787/; its token is FIRSTBYTE_TOKEN',
};
const pattern =
  'PATTERN is /NAME/path as it is played, an id of `firstbyte ls --json`, or either with `*` for any characters and ' +
  '`?` for one; a pattern that ends with / is everything below, and one without / is a file name anywhere.';
const patterns: Operand = {
  name: 'PATTERN',
  repeatable: true,
  sentence: 'Path, id or pattern.',
  completion: 'cached',
};

export const commandTable = {
  serve: {
    sentence: 'Serve the origins until Ctrl-C or a signal.',
    details:
      'After the first SIGTERM or SIGINT, replies may continue for `drainTimeout`; a second signal stops them at once.',
    settings: 'shown',
    examples: [
      {
        line: 'firstbyte serve --origin films=https://media.example/films',
        sentence: 'One origin, whose holiday.mkv then plays at http://127.0.0.1:8787/films/holiday.mkv.',
      },
      {
        line: 'firstbyte serve --origin nas=http://nas.local:8096 --origin tv=https://tv.example --cache-dir /var/cache/firstbyte',
        sentence: 'Two origins, and a cache in a place of its own.',
      },
      { line: 'firstbyte serve --config /etc/firstbyte.json --log-format json', sentence: 'Settings from a file.' },
      {
        line: 'firstbyte serve --origin nas=http://nas.local --listen 0.0.0.0:8787 --allow-from 192.168.1.0/24',
        sentence: 'For the players of a home network.',
      },
    ],
  },
  play: {
    sentence: 'Play one file through the cache.',
    details:
      'Uses the firstbyte that is running, or starts one on a free port. Starts the first player that is installed, shows ' +
      'what it waits for and how much is downloaded ahead, and ends with the player. Without a player, or with `--player ' +
      'none`, it prints the address and serves it until a signal. What follows `--` goes to the player.',
    operands: [
      { name: 'URL', sentence: 'Any http or https URL, or /NAME/path of a configured origin.', completion: 'cached' },
      { name: 'ARGUMENT', optional: true, repeatable: true, sentence: 'After --: for the player.' },
    ],
    options: [
      {
        flag: '--player',
        value: 'PLAYER',
        choices: ['mpv', 'vlc', 'ffplay', 'gst', 'none'],
        sentence: 'which player to start (the first that is installed)',
      },
      url,
      json,
    ],
    settings: 'known',
    examples: [
      { line: 'firstbyte play https://media.example/films/holiday.mkv', sentence: 'In the first player there is.' },
      {
        line: 'firstbyte play --player mpv --origin nas=http://nas.local /nas/holiday.mkv -- --fullscreen',
        sentence: 'A path under an origin, in mpv.',
      },
    ],
  },
  ls: {
    sentence: 'List what is cached.',
    details: pattern,
    operands: [{ ...patterns, optional: true }],
    options: [
      {
        flag: '--sort',
        value: 'COLUMN',
        choices: ['path', 'size', 'percent', 'state', 'used'],
        sentence: 'by path; or largest, fullest, or last played first (path)',
      },
      url,
      json,
    ],
    settings: 'known',
    examples: [
      { line: 'firstbyte ls', sentence: 'Everything.' },
      { line: "firstbyte ls '*.mkv' --sort used", sentence: 'Films of one kind, last played first.' },
    ],
  },
  rm: {
    sentence: 'Remove from the cache.',
    details: `${pattern} Playback is not interrupted.`,
    operands: [{ ...patterns, optional: true }],
    options: [
      { flag: '--all', sentence: 'remove everything, after a question' },
      { flag: '--yes', sentence: 'do not ask' },
      url,
      json,
    ],
    settings: 'known',
    examples: [
      { line: 'firstbyte rm /films/holiday.mkv', sentence: 'One film.' },
      { line: 'firstbyte rm --all --yes', sentence: 'Everything, without a question.' },
    ],
  },
  pin: {
    sentence: 'Keep in the cache until unpinned.',
    details: `${pattern} What is pinned is never evicted.`,
    operands: [patterns],
    options: [url, json],
    settings: 'known',
    examples: [{ line: 'firstbyte pin /films/holiday.mkv', sentence: 'Keeps one film.' }],
  },
  unpin: {
    sentence: 'Unpin: may be evicted again.',
    details: pattern,
    operands: [patterns],
    options: [url, json],
    settings: 'known',
    examples: [{ line: "firstbyte unpin '*.mkv'", sentence: 'Lets go of all films of one kind.' }],
  },
  verify: {
    sentence: 'Check cached files against their checksums.',
    details: `${pattern} Only the bad block is dropped; \`--repair\` downloads it again.`,
    operands: [{ ...patterns, optional: true }],
    options: [{ flag: '--repair', sentence: 'download bad blocks again' }, url, json],
    settings: 'known',
    examples: [{ line: 'firstbyte verify --repair', sentence: 'Everything, and downloads bad blocks again.' }],
  },
  warm: {
    sentence: 'Download into the cache before anybody plays it.',
    details:
      'A URL that ends with / is everything below that folder, and one with `*` whatever matches: both as the origin lists ' +
      'its folders, by pages or WebDAV. A list is a playlist (M3U) or has one URL a line.',
    operands: [
      {
        name: 'URL',
        optional: true,
        repeatable: true,
        sentence: "/NAME/path as it is played or listed, or the file's own URL; a folder or pattern at an origin.",
        completion: 'cached',
      },
    ],
    options: [
      { flag: '--head', value: 'SIZE', sentence: 'only the beginning, such as 16MB' },
      { flag: '--list', value: 'FILE', sentence: 'a playlist, or a file with one URL a line' },
      url,
      json,
    ],
    settings: 'known',
    examples: [
      { line: 'firstbyte warm /films/holiday.mkv', sentence: 'One film, whole.' },
      { line: "firstbyte warm /films/series/ '/films/*/trailer*.mp4'", sentence: 'A folder, and all that match.' },
      { line: 'firstbyte warm --head 16MB https://media.example/films/a.mkv', sentence: 'The beginning of one.' },
    ],
  },
  export: {
    sentence: 'Write a whole cached file to a file or to standard output.',
    details: `${pattern} The file appears once all of it is written.`,
    operands: [
      { name: 'PATTERN', sentence: 'Path, id or pattern of one cached file.', completion: 'cached' },
      { name: 'FILE', sentence: 'A file, a directory, or - for standard output.', completion: 'file' },
    ],
    options: [{ flag: '--force', sentence: 'replace an existing file' }, url, json],
    settings: 'known',
    examples: [
      { line: 'firstbyte export /films/holiday.mkv ~/Videos', sentence: 'Under its own name.' },
      { line: 'firstbyte export /films/holiday.mkv - | mpv -', sentence: 'Into a pipe.' },
    ],
  },
  top: {
    sentence: 'Watch what firstbyte is doing.',
    details: 'What is playing, how fast it downloads, and why it waits; q quits. Without a terminal it prints once.',
    options: [
      { flag: '--once', sentence: 'print once and end' },
      url,
      { flag: '--json', sentence: 'print JSON for programs, a line each second' },
    ],
    settings: 'known',
    examples: [{ line: 'firstbyte top', sentence: 'Live, in place.' }],
  },
  stats: {
    sentence: 'Print the counts since the start.',
    options: [url, json],
    settings: 'known',
    examples: [{ line: 'firstbyte stats', sentence: 'Requests, waits, bytes, errors.' }],
  },
  logs: {
    sentence: 'Show recent events.',
    options: [
      { flag: '--follow', sentence: 'keep showing new events, until Ctrl-C' },
      { flag: '--all', sentence: 'frequent events too: states, first bytes, waits' },
      url,
      { flag: '--json', sentence: 'print the events as JSON, one a line' },
    ],
    settings: 'known',
    examples: [{ line: 'firstbyte logs --follow', sentence: 'As it happens.' }],
  },
  page: {
    sentence: 'Print the address of the page, with its access token.',
    options: [url, json],
    settings: 'known',
    examples: [{ line: 'xdg-open "$(firstbyte page)"', sentence: 'Opens it.' }],
  },
  doctor: {
    sentence: 'Check for obstacles to playback, and say what to change.',
    details:
      'Checks Node, limits, the cache directory, the ports, and each configured origin: name, TLS, reachability, ranges, ' +
      'validators, clock, and speed with one and with four connections. It contacts configured origins only.',
    operands: [{ name: 'NAME', optional: true, repeatable: true, sentence: 'Origins to check (all).' }],
    options: [
      {
        flag: '--path',
        value: 'PATH',
        sentence: 'a large file at the origin for the checks of ranges and speed, such as /some/film.mkv',
      },
      json,
    ],
    settings: 'known',
    examples: [{ line: 'firstbyte doctor films --path /holiday.mkv', sentence: 'One origin, with a file to try.' }],
  },
  config: {
    sentence: 'Check the configuration and print it.',
    options: [{ flag: '--explain', sentence: 'show the source and the purpose of each value' }, json],
    settings: 'shown',
    examples: [
      { line: 'firstbyte config --explain --config /etc/firstbyte.json', sentence: 'Each value, and who gave it.' },
    ],
  },
  reload: {
    sentence: 'Read the configuration and the certificate again.',
    details:
      'Origins are added, changed and removed without an interruption; other settings count from the next start. SIGHUP ' +
      'does the same.',
    options: [url, json],
    settings: 'known',
    examples: [{ line: 'firstbyte reload', sentence: 'After a change of the configuration file.' }],
  },
  completion: {
    sentence: 'Print the script that completes firstbyte in a shell.',
    operands: [{ name: 'SHELL', sentence: 'bash, zsh or fish.', completion: ['bash', 'zsh', 'fish'] }],
    settings: 'none',
    examples: [
      { line: 'source <(firstbyte completion bash)', sentence: 'In ~/.bashrc.' },
      { line: 'firstbyte completion zsh > ~/.zfunc/_firstbyte', sentence: 'In a directory of $fpath.' },
      { line: 'firstbyte completion fish > ~/.config/fish/completions/firstbyte.fish', sentence: 'Once.' },
    ],
  },
} as const satisfies Record<string, CommandRow>;

export type CommandName = keyof typeof commandTable;

export const commandNames = Object.keys(commandTable) as CommandName[];

export function commandRow(name: CommandName): CommandRow {
  return commandTable[name];
}

/** `NAME`, `[NAME]`, `NAME...` or `[NAME...]`, in the brackets of the help. */
export function operandUsage({ name, optional, repeatable }: Operand): string {
  const words = repeatable ? `${name}...` : name;
  return optional ? `[${words}]` : words;
}
