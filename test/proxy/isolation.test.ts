/** Which replies are put into a sandbox: all but what is certainly media, in whatever way its type is written. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Fields, fieldValue } from '../../src/http/fields.ts';
import { isolated } from '../../src/proxy/isolation.ts';

const sandbox = 'sandbox allow-scripts allow-forms allow-popups allow-downloads';
const isolation = {
  both: [sandbox, 'nosniff'],
  nosniff: [null, 'nosniff'],
  sandbox: [sandbox, null],
  neither: [null, null],
} as const;

function isolationOf(fields: Fields, beginning?: Uint8Array | null) {
  const sent = isolated(fields, fields, { beginning: beginning ?? null });
  return [fieldValue(sent, 'content-security-policy'), fieldValue(sent, 'x-content-type-options')];
}

const typed = (...lines: string[]): Fields => lines.map((line) => ['content-type', line]);

const media = [
  'video/mp4',
  'video/webm; codecs="vp9"',
  'VIDEO/MP4',
  ' video/mp4 ',
  'video/mp4;charset=text/html',
  'video/mp4;',
  'video/x-matroska',
  'video/vnd.dlna.mpeg-tts',
  'audio/mpeg',
  'audio/x-mpegurl',
  'image/jpeg',
  'image/png',
  'image/vnd.microsoft.icon',
  'application/ogg',
  'application/mp4',
  'application/vnd.apple.mpegurl',
];

const documents = [
  'text/html',
  'text/html; charset=utf-8',
  'Text/HTML',
  'TEXT/HTML;charset="utf-8";;;=x',
  'text/html;',
  ' text/html',
  'text/html garbage',
  'text/html(comment)',
  'text/html,',
  'application/xhtml+xml',
  'image/svg+xml',
  'IMAGE/SVG+XML',
  'image/svg+xml; charset=utf-8',
  'image/svg',
  'video/x+xml',
  'audio/x+XML',
  'text/xml',
  'application/xml',
  'application/rss+xml',
  'application/dash+xml',
  'text/xsl',
  'application/mathml+xml',
  'text/javascript',
  'application/javascript',
  'application/ecmascript',
  'application/wasm',
  'application/json',
  'application/json+oembed',
  'application/pdf',
  'application/x-shockwave-flash',
  'text/css',
  'text/vtt',
  'text/calendar',
  'multipart/x-mixed-replace; boundary=a',
  'multipart/byteranges; boundary=a',
  'multipart/related',
  'message/rfc822',
  'unknown/unknown',
  'application/unknown',
  'application/x-unknown-content-type',
  '*/*',
  '',
  '/',
  'video',
  'video/',
  'video/*',
  '/mp4',
  'video mp4',
  'video/mp4 text/html',
  'video/mp4\u00a0',
  'xvideo/mp4',
  'video/mp4, text/html',
  'text/html, video/mp4',
  'video/mp4;a="b,text/html"',
  'text/plain, text/html',
  'text/plain;a=", text/html"',
  'application/octet-stream, text/html',
];

const beginnings = {
  film: Buffer.from('\0\0\0\x20ftypisom', 'latin1'),
  page: Buffer.from('<script>1</script>'),
};

describe('a reply', () => {
  for (const type of media) {
    it(`of ${JSON.stringify(type)} carries nosniff, and no sandbox, in which no film plays in its tab`, () => {
      for (const beginning of [null, beginnings.film, beginnings.page]) {
        assert.deepEqual(isolationOf(typed(type), beginning), isolation.nosniff);
      }
    });
  }

  for (const type of documents) {
    it(`of ${JSON.stringify(type)} carries a sandbox and nosniff, however it begins`, () => {
      for (const beginning of [null, beginnings.film, beginnings.page]) {
        assert.deepEqual(isolationOf(typed(type), beginning), isolation.both);
      }
    });
  }

  it('without a type carries both', () => {
    for (const beginning of [null, beginnings.film, beginnings.page]) {
      assert.deepEqual(isolationOf([], beginning), isolation.both);
    }
  });

  it('with two types is media where both are', () => {
    assert.deepEqual(isolationOf(typed('video/mp4', 'video/mp4')), isolation.nosniff);
    assert.deepEqual(isolationOf(typed('video/mp4', 'text/html')), isolation.both);
    assert.deepEqual(isolationOf(typed('text/html', 'video/mp4')), isolation.both);
    assert.deepEqual(isolationOf(typed('text/plain', 'video/mp4'), beginnings.film), isolation.both);
  });

  for (const type of ['text/plain', 'text/plain; charset=utf-8', 'Text/Plain', 'application/octet-stream']) {
    it(`of ${JSON.stringify(type)} is judged by how it begins`, () => {
      assert.deepEqual(isolationOf(typed(type), beginnings.film), isolation.neither);
      assert.deepEqual(isolationOf(typed(type), beginnings.page), isolation.both);
      assert.deepEqual(isolationOf(typed(type), Buffer.alloc(0)), isolation.both);
    });

    it(`of ${JSON.stringify(type)} plays, and is no page of ours, where its beginning is not known`, () => {
      assert.deepEqual(isolationOf(typed(type), null), isolation.sandbox);
    });
  }

  it('in a content coding is not judged by how that begins', () => {
    const coded: Fields = [...typed('text/plain'), ['content-encoding', 'gzip']];
    assert.deepEqual(isolationOf(coded, beginnings.film), isolation.both);
  });

  it("puts a text with a policy of the origin's own into the sandbox too, but for strict mode, where it can run nothing", () => {
    const own = 'script-src *';
    for (const type of ['text/plain', 'application/octet-stream']) {
      const fields: Fields = [['content-security-policy', own], ...typed(type)];
      for (const isStrict of [false, true]) {
        const sent = isolated(fields, fields, { beginning: beginnings.page, isStrict });
        const policies = sent.filter(([name]) => name === 'content-security-policy').map(([, value]) => value);
        assert.deepEqual(policies, isStrict ? [own] : [own, sandbox]);
        assert.equal(fieldValue(sent, 'x-content-type-options'), 'nosniff');
      }
    }
  });

  it("keeps the origin's policy in a line of its own, so that both hold", () => {
    const own = 'sandbox allow-same-origin allow-scripts; default-src *';
    const sent = isolated([['content-security-policy', own], ...typed('text/html')]);
    const lines = sent.filter(([name]) => name === 'content-security-policy').map(([, value]) => value);
    assert.deepEqual(lines, [own, sandbox]);
  });

  it("has its own word on sniffing, whatever the origin's is", () => {
    for (const own of ['nosniff', 'sniff', 'nosniff, nosniff', '']) {
      const said: Fields = [['x-content-type-options', own]];
      assert.deepEqual(isolationOf([...said, ...typed('text/html')]), isolation.both);
      assert.deepEqual(isolationOf([...said, ...typed('video/mp4')]), isolation.nosniff);
      assert.deepEqual(isolationOf([...said, ...typed('text/plain')], beginnings.film), isolation.neither);
    }
  });

  it('that says nothing of its content is judged by what that was described as', () => {
    assert.equal(fieldValue(isolated([['etag', '"a"']], typed('video/mp4')), 'content-security-policy'), null);
    assert.equal(fieldValue(isolated([['etag', '"a"']], typed('text/html')), 'content-security-policy'), sandbox);
  });
});
