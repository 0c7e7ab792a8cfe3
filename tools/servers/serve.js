/**
 * One of npm's file servers over a folder, as its own page shows how to start it, on a port of loopback.
 *
 *     node tools/servers/serve.js express FOLDER PORT    express, express4, fastify, http-server or serve
 *     node tools/servers/serve.js express                whether it is installed
 */
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
