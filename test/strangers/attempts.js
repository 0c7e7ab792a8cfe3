// What a script of a mount may try against firstbyte and against other mounts. `attack` resolves with what it reached.

const secrets = /"cacheDir"|"uptimeSeconds"|"objects"|Dear diary|firstbyte_|<title>firstbyte|"status":"(ready|ok)/;
const within = (promise) =>
  Promise.race([promise, new Promise((_, reject) => setTimeout(reject, 2500, new Error('nothing came')))]);
const heard = (target, type) =>
  within(new Promise((resolve) => target.addEventListener(type, resolve, { once: true })));
const told = async (text) => (secrets.test(await text) ? text : null);
const made = (name, given) => Object.assign(document.createElement(name), given);
/** Resolves when the element has loaded. */
const loaded = async (name, given) => {
  const element = made(name, given);
  const load = heard(element, 'load');
  document.body.append(element);
  await load;
  return element;
};
const readFrame = async (given) => {
  const { contentDocument } = await loaded('iframe', given);
  return told(contentDocument.documentElement.outerHTML);
};
/** A document that is made here, and asks from there. */
const asking = (path) =>
  `<script>fetch('${location.origin}${path}', { credentials: 'include' }).then((r) => r.text())
    .then((text) => parent.postMessage(text, '*'), (e) => parent.postMessage(String(e), '*'))</scr${''}ipt>`;
const askedFrom = async (given) => {
  const frame = made('iframe', given);
  const answer = new Promise((resolve) =>
    addEventListener('message', ({ source, data }) => source === frame.contentWindow && resolve(data)),
  );
  document.body.append(frame);
  return told(await within(answer));
};
const workerSays = async (worker) => {
  const port = worker.port ?? worker;
  const answer = new Promise((resolve, reject) => {
    port.onmessage = ({ data }) => resolve(String(data));
    worker.onerror = () => reject(new Error('refused'));
  });
  return within(answer);
};
const blobOf = (text, type) => URL.createObjectURL(new Blob([text], { type }));
const post = (path, given) => fetch(path, { method: 'POST', credentials: 'include', ...given });
const warm = JSON.stringify({ kind: 'warm', origin: 'diary', target: '/today.txt', whole: true });

const attempts = {
  'fetch of the settings': async () => told((await fetch('/-/api/v1/config')).text()),
  'fetch of the objects': async () => told((await fetch('/-/api/v1/objects', { credentials: 'include' })).text()),
  'fetch without CORS': async () => told((await fetch('/-/api/v1/stats', { mode: 'no-cors' })).text()),
  'fetch of the same origin': async () => told((await fetch('/-/api/v1/stats', { mode: 'same-origin' })).text()),
  'fetch of the metrics': async () => told((await fetch('/-/metrics')).text()),
  'fetch of the health': async () => told((await fetch('/-/ready')).text()),
  'fetch of the page': async () => told((await fetch('/-/')).text()),
  'fetch of another mount': async () => told((await fetch('/diary/today.txt')).text()),
  'fetch of a page of another mount': async () => told((await fetch('/diary/page.html')).text()),
  'fetch of an open file of another mount': async () => told((await fetch('/diary/open.txt')).text()),
  'a request with fields of its own': async () =>
    told((await fetch('/-/api/v1/config', { credentials: 'include', headers: { 'firstbyte-page': '1' } })).text()),
  'the events': async () => {
    const source = new EventSource('/-/events?after=0', { withCredentials: true });
    try {
      await within(new Promise((resolve, reject) => Object.assign(source, { onopen: resolve, onerror: reject })));
      return 'open';
    } finally {
      source.close();
    }
  },
  'a change with the token of the page': async () => {
    const authorization = `Bearer ${sessionStorage.getItem('firstbyte-token')}`;
    const { ok } = await post('/-/api/v1/jobs', {
      headers: { 'content-type': 'application/json', authorization },
      body: warm,
    });
    return ok && 'done';
  },
  'a change without one': async () => {
    const { ok } = await post('/-/api/v1/jobs', { headers: { 'content-type': 'application/json' }, body: warm });
    return ok && 'done';
  },
  'a change with the cookie of the page': async () => {
    const headers = { 'content-type': 'application/json', 'firstbyte-page': '1' };
    const { ok } = await post('/-/api/v1/jobs', { headers, body: warm });
    return ok && 'done';
  },
  'a beacon': async () => {
    navigator.sendBeacon('/-/api/v1/jobs', new Blob([warm], { type: 'text/plain' }));
    return null;
  },
  'a form': async () => {
    const frame = await loaded('iframe', { name: 'sink' });
    const form = made('form', { action: '/-/api/v1/jobs', method: 'post', enctype: 'text/plain', target: 'sink' });
    form.append(made('input', { name: `${warm.slice(0, -1)},"x":"`, value: '"}' }));
    document.body.append(form);
    form.submit();
    await heard(frame, 'load');
    return told(frame.contentDocument.documentElement.outerHTML);
  },
  'a frame of the page': () => readFrame({ src: '/-/' }),
  'a frame of the control API': () => readFrame({ src: '/-/api/v1/config' }),
  'a frame of another mount': () => readFrame({ src: '/diary/page.html' }),
  'a frame of a javascript URL': () =>
    askedFrom({ src: `javascript:'${asking('/-/api/v1/config').replaceAll("'", '"')}'` }),
  'a frame of a document in it': () => askedFrom({ srcdoc: asking('/-/api/v1/config') }),
  'a frame of a data URL': () => askedFrom({ src: `data:text/html,${encodeURIComponent(asking('/diary/today.txt'))}` }),
  'a frame of a blob': () => askedFrom({ src: blobOf(asking('/-/api/v1/config'), 'text/html') }),
  'an object of SVG': async () => {
    const element = await loaded('object', { data: 'svg', type: 'image/svg+xml' });
    return element.contentDocument.defaultView.probe.join();
  },
  'embedded SVG': async () => {
    const element = await loaded('embed', { src: 'svg', type: 'image/svg+xml' });
    return element.getSVGDocument() && 'read';
  },
  'a window of the page': async () => {
    const opened = open('/-/');
    await new Promise((resolve) => setTimeout(resolve, 500));
    try {
      return await told(opened.document.documentElement.outerHTML);
    } finally {
      opened?.close();
    }
  },
  'a module of another mount': async () => (await import('/diary/notes.js')).default,
  'an image of another mount on a canvas': async () => {
    const image = await loaded('img', { src: '/diary/picture.svg' });
    const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d');
    canvas.drawImage(image, 0, 0);
    return canvas.getImageData(0, 0, 1, 1) && 'pixels';
  },
  'the size of what another mount gives': async () => {
    await fetch('/diary/open.txt', { mode: 'no-cors' });
    const [entry] = performance.getEntriesByName(`${location.origin}/diary/open.txt`).slice(-1);
    return entry?.encodedBodySize > 0 ? 'its size' : null;
  },
  'local storage': async () => {
    localStorage.setItem('a', 'b');
    return localStorage.getItem('a');
  },
  'session storage': async () => String(sessionStorage.getItem('firstbyte-token') ?? sessionStorage.length),
  cookies: async () => {
    // biome-ignore lint/suspicious/noDocumentCookie: what is tried is this.
    document.cookie = 'a=b; path=/';
    return document.cookie;
  },
  'a database': async () =>
    within(
      new Promise((resolve, reject) =>
        Object.assign(indexedDB.open('a'), { onsuccess: () => resolve('open'), onerror: reject }),
      ),
    ),
  caches: async () => (await caches.open('a')) && 'open',
  'files of the origin': async () => (await navigator.storage.getDirectory()) && 'open',
  locks: async () => navigator.locks.request('a', () => 'held'),
  'a service worker over everything': async () =>
    (await navigator.serviceWorker.register('worker.js', { scope: '/' })).scope,
  'a service worker over its folder': async () => (await navigator.serviceWorker.register('worker.js')).scope,
  'a shared worker': () => workerSays(new SharedWorker('worker.js')),
  'a worker': () => workerSays(new Worker('worker.js')),
  'a worker that is a module': () => workerSays(new Worker('worker.js', { type: 'module' })),
  'a worker of a blob': async () =>
    told(
      workerSays(
        new Worker(
          blobOf(
            `fetch('${location.origin}/-/api/v1/config').then((r) => r.text()).then(postMessage, () => postMessage('no'))`,
            'text/javascript',
          ),
        ),
      ),
    ),
  'a prerendered page': async () => {
    const urls = ['/-/', '/diary/page.html'];
    const rules = JSON.stringify({ prerender: [{ source: 'list', urls }] });
    document.head.append(made('script', { type: 'speculationrules', textContent: rules }));
    return null;
  },
};

self.attack = async () => {
  const reached = {};
  await Promise.all(
    Object.entries(attempts).map(async ([what, attempt]) => {
      try {
        const got = await attempt();
        if (got) reached[what] = String(got).replace(/\s+/g, ' ').slice(0, 60);
      } catch {
        // Refused, as it should be.
      }
    }),
  );
  return { origin: self.origin, tried: Object.keys(attempts).length, reached };
};
