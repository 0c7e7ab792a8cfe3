/**
 * One of npm's file servers over a folder, as its own page shows how to start it, on a port of loopback.
 *
 *     node tools/servers/serve.js express FOLDER PORT    express, express4, fastify, http-server, s3 or serve
 *     node tools/servers/serve.js express                whether it is installed
 */
import { rmSync } from 'node:fs';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [name, folder, port] = process.argv.slice(2);
const host = '127.0.0.1';

const starts = {
  express: async () => serveStatic((await import('express')).default),
  express4: async () => serveStatic((await import('express4')).default),
  async fastify() {
    const [{ default: fastify }, { default: files }] = await Promise.all([
      import('fastify'),
      import('@fastify/static'),
    ]);
    if (folder) await fastify().register(files, { root: folder }).listen({ port, host });
  },
  async 'http-server'() {
    const { default: server } = await import('http-server');
    if (folder) server.createServer({ root: folder }).listen(port, host);
  },
  // Its bucket `films` has what lies in the folder. Whoever signs has the key and the secret S3RVER.
  async s3() {
    const { default: S3rver } = await import('@20minutes/s3rver');
    if (!folder) return;
    const directory = await mkdtemp(join(tmpdir(), 'firstbyte-s3-'));
    process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
    process.once('SIGTERM', () => process.exit());
    const serve = async (at) => {
      const server = new S3rver({ address: host, port: at, silent: true, directory });
      return { server, at: (await server.run()).port };
    };
    // Who connects to `port` finds everything there.
    const stocked = await serve(0);
    const bucket = `http://${host}:${stocked.at}/films`;
    const stock = async (path, body) => {
      const { ok, status } = await fetch(bucket + path, {
        method: 'PUT',
        body,
        headers: { 'content-type': 'video/mp4' },
      });
      if (!ok) throw new Error(`${path} is not taken: ${status}`);
    };
    await stock('');
    for (const file of await readdir(folder)) await stock(`/${file}`, await readFile(join(folder, file)));
    await stocked.server.close();
    await serve(port);
  },
  // A program, and no library.
  async serve() {
    import.meta.resolve('serve/build/main.js');
    if (!folder) return;
    process.argv.splice(2, 3, '--listen', `tcp://${host}:${port}`, '--no-request-logging', folder);
    await import('serve/build/main.js');
  },
};

function serveStatic(express) {
  if (folder) express().use(express.static(folder)).listen(port, host);
}

await starts[name]();
