/**
 * Films in a Hono app, or any other server in the style of `fetch`.
 *
 *     npm install firstbyte hono @hono/node-server
 *     node hono.js https://media.example/films
 */
import { serve } from '@hono/node-server';
import { createFirstbyte } from 'firstbyte';
import { Hono } from 'hono';

const cache = await createFirstbyte({ origins: { films: process.argv[2] } });
const app = new Hono();
app.get('/', (context) => context.text('hello'));
// The path names the origin and the film; the request brings range, conditions and the signal of who leaves.
app.get('/films/*', ({ req }) => cache.fetch(new URL(req.url).pathname, req.raw));

const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
  console.log(`http://127.0.0.1:${port}/`),
);
process.once('SIGTERM', async () => {
  server.close();
  await cache.close();
});
