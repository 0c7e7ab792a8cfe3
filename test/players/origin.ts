/** The slow origin of the demo as a process of its own, which can be taken away with all its connections. */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { start } from './program.ts';

export interface OriginProcess extends AsyncDisposable {
  /** With a slash at the end. */
  readonly url: string;
  end(): Promise<void>;
}

/** Gives the files of `folder`: `rate` bytes a second for all replies together, each after so many seconds of silence. */
export async function startOrigin(
  folder: string,
  { rate, silence = 0 }: { readonly rate: number; readonly silence?: number },
  signal?: AbortSignal,
): Promise<OriginProcess> {
  const command = join(import.meta.dirname, '../../demo/slow-origin.ts');
  const flags = ['--folder', folder, '--silence', String(silence), '--rate', String(rate)];
  const program = start(process.execPath, [command, ...flags], signal);
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: program.process.stdout ?? process.stdin }).on('line', (line) => {
      const [, found] = /^slow origin ready on (\S+)$/.exec(line) ?? [];
      if (found !== undefined) resolve(found);
    });
    program.ended.then((code) => reject(new Error(`the origin ended with ${code}: ${program.errors()}`)));
  });
  const end = async () => {
    program.process.kill('SIGKILL');
    await program.ended;
  };
  return { url, end, [Symbol.asyncDispose]: end };
}
