/**
 * The scene of the attacks: firstbyte with two mounts, one hostile and one that is fetched with a password; somebody
 * else's web page on another port; and a real Chromium in which the operator has the page of firstbyte open.
 */
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { launchBrowser } from '../page/stage.ts';
import { startBuild } from '../players/firstbyte.ts';
import { HostileOrigin } from './hostile-origin.ts';

const ownProgram = join(import.meta.dirname, '../../src/cli.ts');
const password = `Basic ${Buffer.from('me:secret').toString('base64')}`;

/** What the hostile mount is after: all of it needs the operator's password, and one file may be read by any page. */
const diary: Readonly<Record<string, readonly [type: string, body: string, fields?: Record<string, string>]>> = {
  '/today.txt': ['text/plain', 'Dear diary, today I hid the key under the mat.'],
  '/page.html': ['text/html', '<!doctype html><title>diary</title><p>Dear diary, nobody reads this.'],
  '/open.txt': [
    'text/plain',
    'Dear diary, this is for all.',
    { 'access-control-allow-origin': '*', 'timing-allow-origin': '*' },
  ],
  '/notes.js': ['text/javascript', 'export default "Dear diary, in a module."'],
  '/picture.svg': ['image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>'],
};

export interface Attack {
  /** The web origin that the page has. */
  readonly origin: string;
  readonly tried: number;
  /** What it got, by what it tried. */
  readonly reached: Readonly<Record<string, string>>;
}

export class Scene implements AsyncDisposable {
  readonly url: string;
  readonly browser: Browser;
  readonly token: string;
  /** Of a web server that has nothing to do with firstbyte; it gives `foreignPage` to whoever asks. */
  readonly foreignUrl: string;
  foreignPage = '';
  readonly #props: AsyncDisposableStack;

  private constructor(given: Pick<Scene, 'url' | 'browser' | 'token'>, foreign: Server, props: AsyncDisposableStack) {
    this.url = given.url;
    this.browser = given.browser;
    this.token = given.token;
    this.#props = props;
    this.foreignUrl = `http://localhost:${(foreign.address() as AddressInfo).port}/`;
    foreign.on('request', (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end(this.foreignPage);
    });
  }

  /** `program` is the `cli` of firstbyte. */
  static async set(program = ownProgram): Promise<Scene> {
    await using props = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'firstbyte-strangers-'));
    props.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const hostile = props.use(await HostileOrigin.start());
    const kept = await listening(props, (request, response) => {
      const [type, body, fields] = diary[request.url ?? ''] ?? ['text/plain', 'nothing'];
      const known = request.headers.authorization === password;
      response.writeHead(known ? 200 : 401, { ...fields, 'content-type': type }).end(known ? body : '');
    });
    const foreign = await listening(props);
    const keptUrl = `http://me:secret@127.0.0.1:${(kept.address() as AddressInfo).port}`;
    // A page that is broken for good is not waited for as long as one that may be mended.
    const flags = ['--origin', `evil=${hostile.url}`, '--origin', `diary=${keptUrl}`, '--first-byte-timeout', '2s'];
    const cacheDir = join(folder, 'cache');
    const { url } = props.use(await startBuild(program, cacheDir, flags));
    const browser = props.adopt(await launchBrowser(), (each) => each.close());
    const { token } = JSON.parse(await readFile(join(cacheDir, 'owner'), 'utf8')) as { token: string };
    return new Scene({ url, browser, token }, foreign, props.move());
  }

  /** A browser that knows nothing yet, in which the operator has opened the page and given it the token. */
  async operator(): Promise<{ readonly context: BrowserContext; readonly page: Page }> {
    const context = await this.browser.newContext();
    const page = await context.newPage();
    await page.goto(`${this.url}-/#token=${this.token}`);
    await page.getByText('live', { exact: true }).waitFor();
    return { context, page };
  }

  /** What the probe in a vehicle of the hostile mount reached, opened in this tab; `null` where no script ran. */
  async probe(page: Page, vehicle: string): Promise<readonly string[] | null> {
    await page.goto(`${this.url}evil/${vehicle}`).catch((error: Error) => {
      // What is no page is downloaded, which is no harm.
      if (!/Download is starting|ERR_ABORTED/.test(error.message)) throw error;
    });
    return page.evaluate<readonly string[] | null>('self.probe ?? null');
  }

  /** Opens the hostile page in this tab and lets it try everything. */
  async attack(page: Page): Promise<Attack> {
    await page.goto(`${this.url}evil/page.html`);
    return page.evaluate<Attack>('attack()');
  }

  /** What the control API says to whoever has the token. */
  async ask<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.url}-/api/v1${path}`, { headers: { authorization: `Bearer ${this.token}` } });
    return (await answer.json()) as T;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#props.disposeAsync();
  }
}

async function listening(props: AsyncDisposableStack, listener?: RequestListener): Promise<Server> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  props.defer(async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return server;
}
