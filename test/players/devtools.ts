/** A headless Chromium, steered over a pipe: https://chromedevtools.github.io/devtools-protocol/ */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { start } from './program.ts';

interface Message {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
  readonly method?: string;
}

/** One page of a Chromium of its own. */
export interface Page extends AsyncDisposable {
  /** Opens `url` as typed in by a person; resolves when its document is there. */
  open(url: string): Promise<void>;
  /** Evaluates an expression in the page, awaits what it gives, and resolves with that, which must be plain JSON. */
  evaluate(expression: string): Promise<unknown>;
}

export async function openPage(signal: AbortSignal): Promise<Page> {
  const profile = await mkdtemp(join(tmpdir(), 'firstbyte-chromium-'));
  const chromium = start(
    'chromium',
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
      ...['--mute-audio', '--autoplay-policy=no-user-gesture-required'],
      ...['--remote-debugging-pipe', `--user-data-dir=${profile}`, 'about:blank'],
    ],
    signal,
    ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  );
  const [, , , input, output] = chromium.process.stdio as [null, null, Readable, Writable, Readable];

  const listeners = new Set<(message: Message) => void>();
  let rest = '';
  output.setEncoding('utf8').on('data', (text: string) => {
    const messages = (rest + text).split('\0');
    rest = messages.pop() ?? '';
    for (const message of messages) for (const listener of listeners) listener(JSON.parse(message));
  });
  // Writing to a Chromium that is gone must not end the test before its reason is told.
  input.on('error', () => {});

  const next = (isAwaited: (message: Message) => boolean) =>
    new Promise<Message>((resolve, reject) => {
      const listener = (message: Message) => {
        if (!isAwaited(message)) return;
        listeners.delete(listener);
        resolve(message);
      };
      listeners.add(listener);
      chromium.ended.then((code) => reject(new Error(`Chromium ended with ${code}: ${chromium.errors()}`)));
    });
  let asked = 0;
  const ask = async (method: string, params: object, sessionId?: unknown) => {
    const id = ++asked;
    const answer = next((message) => message.id === id);
    input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    const { result, error } = await answer;
    if (!result) throw new Error(`Chromium answers ${method} with: ${error?.message}`);
    return result;
  };

  const { targetId } = await ask('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await ask('Target.attachToTarget', { targetId, flatten: true });
  await ask('Page.enable', {}, sessionId);

  return {
    async open(url) {
      const navigated = next(({ method }) => method === 'Page.frameNavigated');
      const { errorText } = await ask('Page.navigate', { url }, sessionId);
      if (errorText) throw new Error(`Chromium cannot open ${url}: ${errorText}`);
      await navigated;
    },
    async evaluate(expression) {
      const params = { expression, awaitPromise: true, returnByValue: true };
      const { result, exceptionDetails } = await ask('Runtime.evaluate', params, sessionId);
      if (exceptionDetails) throw new Error(`The page threw ${JSON.stringify(exceptionDetails)}`);
      return (result as { value?: unknown }).value;
    },
    async [Symbol.asyncDispose]() {
      await ask('Browser.close', {}).catch(() => chromium.process.kill('SIGKILL'));
      await chromium.ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
