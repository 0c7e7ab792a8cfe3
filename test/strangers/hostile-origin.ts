/**
 * An origin whose every answer means harm to whoever opens it in a browser, beside a film and a folder page that do not.
 *
 * `vehicles` are the ways in which it tries to have a script run: each holds the same probe. `/page.html` is a page with
 * whatever a script could try once it runs (`attempts.js`).
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

interface Answer {
  readonly status?: number;
  /** A field may stand several times. */
  readonly fields: Readonly<Record<string, string | string[]>>;
  readonly body: string | Buffer;
}

const read = (path: string) => readFileSync(join(import.meta.dirname, path));
const film = read('../../demo/film.mp4');

/** Notes, without waiting for anything, what a script can reach from where it runs. */
const probe = `
  var reached = [];
  function tried(what, take) { try { if (take()) reached.push(what); } catch (error) {} }
  function text(path) {
    var request = new XMLHttpRequest();
    request.open('GET', path, false);
    request.send();
    return request.responseText;
  }
  tried('web origin', function () { return self.origin !== 'null' && self.origin; });
  tried('control API', function () { return text('/-/api/v1/config').indexOf('cacheDir') > -1; });
  tried('other mount', function () { return text('/diary/today.txt').indexOf('Dear diary') > -1; });
  tried('storage', function () { return localStorage.length > -1; });
  tried('session', function () { return sessionStorage.length > -1; });
  tried('cookies', function () { return document.cookie.length > -1; });
  self.probe = reached;
`;

const html = `<!doctype html><title>probe</title><script>${probe}</script><p>hostile`;
const xhtml = `<html xmlns="http://www.w3.org/1999/xhtml"><head><title>probe</title></head><body><script><![CDATA[${probe}]]></script></body></html>`;
const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script><![CDATA[${probe}]]></script></svg>`;
const xml = `<?xml version="1.0"?><feed xmlns:h="http://www.w3.org/1999/xhtml"><h:script><![CDATA[${probe}]]></h:script></feed>`;
const transform = `<?xml version="1.0"?><x:stylesheet version="1.0" xmlns:x="http://www.w3.org/1999/XSL/Transform"><x:template match="/"><html><script>${probe.replaceAll('<', '&lt;').replaceAll('>', '&gt;')}</script></html></x:template></x:stylesheet>`;
const mixed = `--cut\r\nContent-Type: text/html\r\n\r\n${html}\r\n--cut\r\nContent-Type: text/html\r\n\r\n${html}\r\n--cut--\r\n`;

const typed = (type: string | string[], body: string | Buffer, fields: Answer['fields'] = {}): Answer => ({
  fields: { 'content-type': type, ...fields },
  body,
});

export const vehicles: Readonly<Record<string, Answer>> = {
  html: typed('text/html', html),
  'html-in-capitals': typed('TEXT/HTML', html),
  'html-with-garbage': typed('text/html; ;;=', html),
  'html-in-utf-16': typed('text/html; charset=utf-16le', Buffer.from(html, 'utf16le')),
  'html-beside-a-film': typed(['video/mp4', 'text/html'], html),
  'film-beside-html': typed(['text/html', 'video/mp4'], html),
  'html-in-a-list': typed('video/mp4, text/html', html),
  xhtml: typed('application/xhtml+xml', xhtml),
  svg: typed('image/svg+xml', svg),
  xml: typed('text/xml', xml),
  rss: typed('application/rss+xml', xml),
  'dash-manifest': typed('application/dash+xml', xml),
  'video-that-is-xml': typed('video/x+xml', xml),
  'xml-transformed': typed(
    'text/xml',
    `<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="transform.xsl"?><a/>`,
  ),
  'no-type': { fields: {}, body: html },
  'empty-type': typed('', html),
  'unknown-type': typed('unknown/unknown', html),
  'any-type': typed('*/*', html),
  'plain-text': typed('text/plain', html),
  'octet-stream': typed('application/octet-stream', html),
  'film-that-is-html': typed('video/mp4', html),
  'image-that-is-html': typed('image/png', html),
  script: typed('text/javascript', probe),
  pdf: typed(
    'application/pdf',
    '%PDF-1.4\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\ntrailer<</Root 1 0 R>>',
  ),
  'multipart-replaced': typed('multipart/x-mixed-replace; boundary=cut', mixed),
  mhtml: typed('message/rfc822', `MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n${html}`),
  'not-found': { status: 404, ...typed('text/html', html) },
  broken: { status: 500, ...typed('text/html', html) },
  'never-stored': typed('text/html', html, { 'cache-control': 'no-store' }),
  'own-policy': typed('text/html', html, {
    'content-security-policy': ["sandbox allow-scripts allow-same-origin; script-src 'unsafe-inline'"],
  }),
  'own-policies': typed('text/html', html, {
    'content-security-policy': ['sandbox allow-same-origin allow-scripts', "default-src * 'unsafe-inline'"],
    'content-security-policy-report-only': 'sandbox',
    'x-content-type-options': 'sniff',
    'access-control-allow-origin': '*',
    'origin-agent-cluster': '?1',
    'document-policy': 'force-load-at-top',
  }),
  redirected: { status: 302, fields: { location: 'html' }, body: html },
};

const others: Readonly<Record<string, Answer>> = {
  'page.html': typed('text/html', `<!doctype html><title>attack</title><script src="attempts.js"></script>`),
  'attempts.js': typed('text/javascript', read('attempts.js'), { 'access-control-allow-origin': '*' }),
  'transform.xsl': typed('text/xsl', transform, { 'access-control-allow-origin': '*' }),
  'worker.js': typed(
    'text/javascript',
    `self.addEventListener?.('fetch', (event) => event.respondWith(new Response('hijacked')));
     self.postMessage?.('ran'); self.onconnect = ({ ports }) => ports[0].postMessage('ran');`,
    { 'service-worker-allowed': '/' },
  ),
  'film.mp4': typed('video/mp4', film),
  'film.txt': typed('text/plain', film),
  film: typed('application/octet-stream', film),
  'poster.svg': typed('image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>'),
  folder: typed(
    'text/html',
    '<html><head><title>Index of /folder/</title></head><body><h1>Index of /folder/</h1><hr><pre><a href="./">../</a>\n<a href="film">film</a>\n<a href="film.mp4">film.mp4</a></pre><hr></body></html>',
  ),
};

export class HostileOrigin implements AsyncDisposable {
  readonly #server = createServer(({ url = '', headers }, response) => {
    const name = (url.split('?')[0] ?? '').split('/').at(-1) ?? '';
    const answer = vehicles[name] ?? others[name];
    if (answer === undefined) response.writeHead(404).end();
    else give(answer, headers.range, response);
  });

  static async start(): Promise<HostileOrigin> {
    const origin = new HostileOrigin();
    origin.#server.listen(0, '127.0.0.1');
    await once(origin.#server, 'listening');
    return origin;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

function give({ status = 200, fields, body }: Answer, range: string | undefined, response: ServerResponse): void {
  const bytes = Buffer.from(body);
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
  const described = { etag: `"${bytes.length}"`, ...fields };
  if (first === undefined || status !== 200 || Number(first) >= bytes.length) {
    response.writeHead(status, { ...described, 'content-length': bytes.length }).end(bytes);
    return;
  }
  const end = last ? Math.min(bytes.length, Number(last) + 1) : bytes.length;
  const part = bytes.subarray(Number(first), end);
  const contentRange = `bytes ${first}-${end - 1}/${bytes.length}`;
  response.writeHead(206, { ...described, 'content-length': part.length, 'content-range': contentRange }).end(part);
}
