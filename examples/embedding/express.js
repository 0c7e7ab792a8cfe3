/**
 * Films in an Express app, at `/media/films/…`, through a cache that needs no port of its own.
 *
 *     npm install firstbyte express
 *     node express.js https://media.example/films
 */
import express from 'express';
import { createFirstbyte } from 'firstbyte';

const cache = await createFirstbyte({ origins: { films: process.argv[2] } });
const app = express();
app.get('/', (_, response) => response.send('hello'));
app.use('/media', cache.middleware());

const server = app.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
process.once('SIGTERM', async () => {
  server.close();
  await cache.close();
});
