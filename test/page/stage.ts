/**
 * The stage of the page: an origin that the test steers, firstbyte as users start it in front of it, and a real
 * Chromium that looks at the page and tells of everything that a page should not do.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { filesBelow } from '../architecture/sources.ts';
import { type Firstbyte, startBuild } from '../players/firstbyte.ts';
import { absent } from '../programs.ts';
import { freePort } from '../servers/server.ts';
import { Film } from '../support/film.ts';
import { type GatedFile, GatedOrigin } from './gated-origin.ts';

/** For a test's `skip`. */
export const noChromium = absent('Chromium', 'chromium', '--version');

const root = join(import.meta.dirname, '../..');
const ownProgram = join(root, 'src/cli.ts');

/** The film of the demo, which Chromium plays. */
export function playableFilm(): GatedFile {
  const bytes = readFileSync(join(root, 'demo/film.mp4'));
  return { size: bytes.length, bytesAt: (start, end) => bytes.subarray(start, end) };
}

export function largeFilm(size: number): GatedFile {
  return new Film(size, 7);
}

export interface StageOptions {
  readonly files: Readonly<Record<string, GatedFile>>;
  /** Settings of firstbyte beside those for its origin, as its configuration file has them. */
  readonly settings?: object;
  /** Puts into the cache directory what is to be there before the first start. */
  readonly stock?: (cacheDir: string) => Promise<void>;
  /** The `cli` of firstbyte; that of the sources unless it is given. */
  readonly program?: string;
}

export interface LookOptions extends BrowserContextOptions {
  /** The page is opened with this token in its address, as `firstbyte page` prints it. */
  readonly token?: string;
}

export interface View {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What a page should not do: errors in its console, violations of its policy, requests to somebody else. */
  readonly faults: string[];
}

export class Stage implements AsyncDisposable {
  readonly origin: GatedOrigin;
  readonly browser: Browser;
  readonly cacheDir: string;
  readonly #start: () => Promise<Firstbyte>;
  readonly #props: AsyncDisposableStack;
  #firstbyte: Firstbyte;

  private constructor(parts: {
    origin: GatedOrigin;
    browser: Browser;
    cacheDir: string;
    start: () => Promise<Firstbyte>;
    firstbyte: Firstbyte;
    props: AsyncDisposableStack;
  }) {
    this.origin = parts.origin;
    this.browser = parts.browser;
    this.cacheDir = parts.cacheDir;
    this.#start = parts.start;
    this.#firstbyte = parts.firstbyte;
    this.#props = parts.props;
  }

  static async set({ files, settings = {}, stock, program = ownProgram }: StageOptions): Promise<Stage> {
    assertBuilt();
    await using props = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'firstbyte-page-'));
    props.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const origin = props.use(await GatedOrigin.start(files));
    const listen = `127.0.0.1:${await freePort()}`;
    const config = join(folder, 'firstbyte.json');
    await writeFile(config, JSON.stringify({ drainTimeout: '0s', ...settings }));
    const cacheDir = join(folder, 'cache');
    await stock?.(cacheDir);
    const flags = ['--config', config, '--listen', listen, '--origin', `films=${origin.url}`];
    const start = () => startBuild(program, cacheDir, flags);
    const browser = props.adopt(await launchBrowser(), (each) => each.close());
    const firstbyte = await start();
    return new Stage({ origin, browser, cacheDir, start, firstbyte, props: props.move() });
  }

  /** Of firstbyte, with a slash at the end. */
  get url(): string {
    return this.#firstbyte.url;
  }

  /** What the control API says to `GET path`. */
  async ask<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.url}-/api/v1${path}`);
    assert.ok(answer.ok, `${path} is answered with ${answer.status}`);
    return (await answer.json()) as T;
  }

  /** The local token of this start. */
  async token(): Promise<string> {
    const { token } = JSON.parse(await readFile(join(this.cacheDir, 'owner'), 'utf8')) as { token: string };
    return token;
  }

  async stopFirstbyte(): Promise<void> {
    await this.#firstbyte[Symbol.asyncDispose]();
  }

  /** At the same address, with the same cache directory. */
  async startFirstbyte(): Promise<void> {
    this.#firstbyte = await this.#start();
  }

  /** Opens a view, in a browser that knows nothing of the last one. */
  async look(fragment: string, { token, ...options }: LookOptions = {}): Promise<View> {
    const view = await this.open(token === undefined ? fragment : `#token=${token}`, options);
    await view.page.getByText('live', { exact: true }).waitFor();
    if (token !== undefined) await view.page.goto(`${this.url}-/${fragment}`);
    return view;
  }

  /** The same without waiting for anything. */
  async open(fragment: string, options: BrowserContextOptions = {}): Promise<View> {
    const context = await this.browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
    const faults: string[] = [];
    context.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') faults.push(`console: ${message.text()}`);
    });
    context.on('weberror', (error) => faults.push(`thrown: ${error.error().message}`));
    context.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(this.url) && !url.startsWith('data:')) faults.push(`asked somebody else: ${url}`);
    });
    const page = await context.newPage();
    await page.goto(`${this.url}-/${fragment}`);
    return { page, context, faults };
  }

  /** Reads a title through firstbyte, as far as it comes; ends with the test. */
  read(path: string, range = 'bytes=0-'): { readonly ended: Promise<void>; stop(): void } {
    const gone = new AbortController();
    const reading = async () => {
      const response = await fetch(`${this.url}films${path}`, { headers: { range }, signal: gone.signal });
      for await (const _ of response.body ?? []);
    };
    return { ended: reading().catch(() => {}), stop: () => gone.abort() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#firstbyte[Symbol.asyncDispose]();
    await this.#props.disposeAsync();
  }
}

/** Debian's, found as a shell finds it. */
export function launchBrowser(): Promise<Browser> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const executablePath = folders.map((folder) => join(folder, 'chromium')).find((path) => existsSync(path));
  assert.ok(executablePath, 'Chromium is installed');
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--mute-audio', '--disable-background-networking'];
  return chromium.launch({ executablePath, args: [...args, '--autoplay-policy=no-user-gesture-required'] });
}

/** A page that is older than its sources would be tested in their place. */
function assertBuilt(): void {
  const built = join(root, 'dist/dashboard/index.html');
  assert.ok(existsSync(built), 'the page was not built: npm run build');
  const { mtimeMs } = statSync(built);
  const newer = filesBelow('dashboard').filter((path) => statSync(join(root, path)).mtimeMs > mtimeMs);
  assert.deepEqual(newer, [], 'the page is older than its sources: npm run build');
}
