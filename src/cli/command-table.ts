/**
 * Every command, in one table. It makes the command line, its help, the shell completion, the man page and
 * docs/reference/commands.md.
 */

export interface Operand {
  /** In capitals, as the help shows it. */
  readonly name: string;
  readonly sentence: string;
  readonly optional?: true;
  readonly repeatable?: true;
  /** The words with which a shell can complete it. */
  readonly completion?: 'file' | readonly string[];
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

const json: CommandOption = { flag: '--json', sentence: 'print JSON for programs' };
const url: CommandOption = {
  flag: '--url',
  value: 'URL',
  sentence: 'the firstbyte to talk to, such as http://nas.local:8787/; its token is FIRSTBYTE_TOKEN',
};
const pattern =
  'PATTERN is /NAME/path as it is played, an id of `firstbyte ls --json`, or either with `*` for any characters and ' +
  '`?` for one; a pattern that ends with / is everything below, and one without / is a file name anywhere.';
const patterns: Operand = { name: 'PATTERN', repeatable: true, sentence: 'What is meant: a path, an id or a pattern.' };

export const commandTable = {
  serve: {
    sentence: 'Serve the origins, until a signal ends it.',
    details: 'After the first SIGTERM or SIGINT replies may go on for `drainTimeout`; a second signal ends it at once.',
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
      'Starts firstbyte on a free port, unless one owns the cache directory already, and a player with the address; ' +
      'shows what it waits for and how far ahead of the player it is, and ends with the player. The first player ' +
      'that is installed is taken; where there is none, or with `--player none`, the address is printed and served ' +
      'until a signal. What follows `--` goes to the player.',
    operands: [
      { name: 'URL', sentence: 'Any http or https URL, or /NAME/path under a configured origin.' },
      { name: 'ARGUMENT', optional: true, repeatable: true, sentence: 'After --: for the player.' },
    ],
    options: [
      {
        flag: '--player',
        value: 'PLAYER',
        choices: ['mpv', 'vlc', 'ffplay', 'gst', 'none'],
        sentence: 'which player to start; the first that is installed unless given',
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
        sentence: 'by path, or the largest, the fullest, or the last watched first (path)',
      },
      url,
      json,
    ],
    settings: 'known',
    examples: [
      { line: 'firstbyte ls', sentence: 'Everything.' },
      { line: "firstbyte ls '*.mkv' --sort used", sentence: 'Films of one kind, the last watched first.' },
    ],
  },
  rm: {
    sentence: 'Remove from the cache.',
    details: `${pattern} Whoever is watching goes on watching.`,
    operands: [{ ...patterns, optional: true }],
    options: [
      { flag: '--all', sentence: 'remove everything; asks first' },
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
    sentence: 'Let be evicted what was pinned.',
    details: pattern,
    operands: [patterns],
    options: [url, json],
    settings: 'known',
    examples: [{ line: "firstbyte unpin '*.mkv'", sentence: 'Lets go of all films of one kind.' }],
  },
  verify: {
    sentence: 'Read what is cached and compare its checksums.',
    details: `${pattern} A block that is bad is dropped alone; with \`--repair\` it is fetched again.`,
    operands: [{ ...patterns, optional: true }],
    options: [{ flag: '--repair', sentence: 'fetch bad blocks again' }, url, json],
    settings: 'known',
    examples: [{ line: 'firstbyte verify --repair', sentence: 'All of it, and brings back what was bad.' }],
  },
  warm: {
    sentence: 'Fetch into the cache before anybody watches.',
    operands: [
      {
        name: 'URL',
        repeatable: true,
        sentence: "/NAME/path as it is played, NAME/path, or the origin's own URL below a configured one.",
      },
    ],
    options: [{ flag: '--head', value: 'SIZE', sentence: 'only the beginning, such as 16MiB' }, url, json],
    settings: 'known',
    examples: [
      { line: 'firstbyte warm /films/holiday.mkv', sentence: 'One film, whole.' },
      { line: 'firstbyte warm --head 16MiB https://media.example/films/a.mkv', sentence: 'The beginning of one.' },
    ],
  },
  export: {
    sentence: 'Write a whole cached file to a file or to standard output.',
    details: `${pattern} The file appears once all of it is written.`,
    operands: [
      { name: 'PATTERN', sentence: 'What is meant: a path, an id or a pattern that only one thing matches.' },
      { name: 'FILE', sentence: 'A file, a directory, or - for standard output.', completion: 'file' },
    ],
    options: [{ flag: '--force', sentence: 'replace a file that exists' }, url, json],
    settings: 'known',
    examples: [
      { line: 'firstbyte export /films/holiday.mkv ~/Videos', sentence: 'Under its own name.' },
      { line: 'firstbyte export /films/holiday.mkv - | mpv -', sentence: 'Into a pipe.' },
    ],
  },
  top: {
    sentence: 'Watch what firstbyte is doing.',
    details: 'Fills, their readers, speeds and waits, once a second; q ends it. Without a terminal it prints once.',
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
    sentence: 'Print what has happened lately, in words.',
    options: [
      { flag: '--follow', sentence: 'go on as it happens, until a signal' },
      { flag: '--all', sentence: 'also what happens often: states, first bytes, waits' },
      url,
      { flag: '--json', sentence: 'print the events as JSON, one a line' },
    ],
    settings: 'known',
    examples: [{ line: 'firstbyte logs --follow', sentence: 'As it happens.' }],
  },
  page: {
    sentence: 'Print the address of the page, with the token that it asks for.',
    options: [url, json],
    settings: 'known',
    examples: [{ line: 'xdg-open "$(firstbyte page)"', sentence: 'Opens it.' }],
  },
  doctor: {
    sentence: 'Look for what would hinder playback, and say what to change.',
    details:
      'Looks at Node, limits, the cache directory, the ports, and at each configured origin: its name, TLS, whether ' +
      'it is reached, ranges, validators, its clock, and how fast it is with one and with four connections. Only ' +
      'configured origins are asked.',
    operands: [{ name: 'NAME', optional: true, repeatable: true, sentence: 'Origins to look at; all unless given.' }],
    options: [
      {
        flag: '--path',
        value: 'PATH',
        sentence: 'a large file at the origin to try ranges and speed with, such as /some/film.mkv',
      },
      json,
    ],
    settings: 'known',
    examples: [{ line: 'firstbyte doctor films --path /holiday.mkv', sentence: 'One origin, with a file to try.' }],
  },
  config: {
    sentence: 'Check the configuration and print it.',
    options: [{ flag: '--explain', sentence: 'say where each value came from and what it is for' }, json],
    settings: 'shown',
    examples: [
      { line: 'firstbyte config --explain --config /etc/firstbyte.json', sentence: 'Each value, and who gave it.' },
    ],
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
