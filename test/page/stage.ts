/**
 * The stage of the page: an origin that the test steers, firstbyte as users start it in front of it, and a real
 * Chromium that looks at the page and tells of everything that a page should not do.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { filesBelow } from '../architecture/sources.ts';
import { type Firstbyte, startFirstbyte } from '../players/firstbyte.ts';
import { absent } from '../programs.ts';
import { Film } from '../support/film.ts';
import { type GatedFile, GatedOrigin } from './gated-origin.ts';

/** For a test's `skip`. */
export const noChromium = absent('Chromium', 'chromium', '--version');

const root = join(import.meta.dirname, '../..');

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
  /** Flags of firstbyte beside those for its origin. */
  readonly flags?: readonly string[];
}

export interface View {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What a page should not do: errors in its console, violations of its policy, requests to somebody else. */
  readonly faults: string[];
}

export class Stage implements AsyncDisposable {
  readonly origin: GatedOrigin;
  readonly #browser: Browser;
  readonly #cacheDir: string;
  readonly #flags: readonly string[];
  readonly #props: AsyncDisposableStack;
  #firstbyte: Firstbyte;

  private constructor(parts: {
    origin: GatedOrigin;
    browser: Browser;
    cacheDir: string;
    flags: readonly string[];
    firstbyte: Firstbyte;
    props: AsyncDisposableStack;
  }) {
    this.origin = parts.origin;
    this.#browser = parts.browser;
    this.#cacheDir = parts.cacheDir;
    this.#flags = parts.flags;
    this.#firstbyte = parts.firstbyte;
    this.#props = parts.props;
  }

  static async set({ files, flags: more = [] }: StageOptions): Promise<Stage> {
    assertBuilt();
    await using props = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'firstbyte-page-'));
    props.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const origin = props.use(await GatedOrigin.start(files));
    const listen = `127.0.0.1:${await freePort()}`;
    const flags = ['--listen', listen, '--origin', `films=${origin.url}`, '--drain-timeout', '0s', ...more];
    const cacheDir = join(folder, 'cache');
    const firstbyte = await startFirstbyte(cacheDir, ...flags);
    const browser = props.adopt(await launchBrowser(), (each) => each.close());
    return new Stage({ origin, browser, cacheDir, flags, firstbyte, props: props.move() });
  }

  /** Of firstbyte, with a slash at the end. */
  get url(): string {
    return this.#firstbyte.url;
  }

  /** The local token of this start. */
  async token(): Promise<string> {
    const { token } = JSON.parse(await readFile(join(this.#cacheDir, 'owner'), 'utf8')) as { token: string };
    return token;
  }

  async stopFirstbyte(): Promise<void> {
    await this.#firstbyte[Symbol.asyncDispose]();
  }

  /** At the same address, with the same cache directory. */
  async startFirstbyte(): Promise<void> {
    this.#firstbyte = await startFirstbyte(this.#cacheDir, ...this.#flags);
  }

  /** Opens a view, in a browser that knows nothing of the last one. */
  async look(fragment: string, options: BrowserContextOptions = {}): Promise<View> {
    const context = await this.#browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
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
    await page.getByText('live', { exact: true }).waitFor();
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

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
