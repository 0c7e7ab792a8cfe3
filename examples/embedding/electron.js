/**
 * The main process of an Electron app: `<video src="film://a.mkv">` plays through a cache on disk.
 *
 *     npm install firstbyte electron
 *     npx electron electron.js https://media.example/films
 */
import { join } from 'node:path';
import { app, BrowserWindow, protocol } from 'electron';
import { createFirstbyte } from 'firstbyte';

const base = process.argv.at(-1);

// Before the app is ready: a film is to be fetched in parts, and by a page of this app.
protocol.registerSchemesAsPrivileged([
  { scheme: 'film', privileges: { standard: true, stream: true, supportFetchAPI: true } },
]);
await app.whenReady();

const cache = await createFirstbyte({ cacheDir: join(app.getPath('userData'), 'films'), origins: { films: base } });
protocol.handle('film', (request) => {
  const { hostname, pathname } = new URL(request.url);
  return cache.fetch(`${base}/${hostname}${pathname === '/' ? '' : pathname}`, request);
});

const window = new BrowserWindow();
await window.loadURL(`data:text/html,<video src="film://film.mp4" controls autoplay></video>`);
app.once('will-quit', () => cache.close());
