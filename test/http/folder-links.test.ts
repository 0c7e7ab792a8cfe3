import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMediaName, namesIn } from '../../src/http/folder-links.ts';

const folder = new URL('http://nas.lan/films/series/');

const lists: Readonly<Record<string, string>> = {
  nginx: '<pre><a href="../">../</a>\n<a href="s01/">s01/</a> 1-Jan\n<a href="a%20b.mkv">a b.mkv</a> 12\n</pre>',
  Apache:
    '<table><tr><th><a href="?C=N;O=D">Name</a></th></tr><td><a href="/films/">Parent</a><a href="s01/">s01/</a><A HREF=\'a%20b.mkv\'>a b</A>',
  'python -m http.server': '<li><a href="s01/">s01/</a></li>\n<li><a href="a%20b.mkv">a b.mkv</a></li>',
  'a page of whole URLs':
    '<a class=x href=http://nas.lan/films/series/s01/>s01</a> <a href="/films/series/a&#32;b.mkv">x</a> <a href="https://elsewhere/films/series/c.mkv">c</a>',
  WebDAV:
    '<D:multistatus xmlns:D="DAV:"><D:response><D:href>/films/series/</D:href></D:response><D:response><D:href>/films/series/s01/</D:href></D:response><D:response><D:href>http://nas.lan/films/series/a%20b.mkv</D:href></D:response></D:multistatus>',
};

for (const [server, list] of Object.entries(lists)) {
  test(`the list of ${server} tells the files and folders in it, and nothing else`, () => {
    assert.deepEqual(namesIn(list, folder), ['s01/', 'a%20b.mkv']);
  });
}

test('what lies deeper, higher or elsewhere, is hidden or has a query, is not in the folder', () => {
  const hrefs = ['s01/e01.mkv', '../x.mkv', '/etc/passwd', '.git/', '%2e%2e/', 'javascript:alert(1)', 'a.mkv?x=1', ''];
  assert.deepEqual(namesIn(hrefs.map((href) => `<a href="${href}">x</a>`).join(''), folder), []);
});

test('films and songs are told by their names', () => {
  for (const name of ['/a.mkv', '/A.MP4', '/x/b%20c.flac']) assert.ok(isMediaName(name), name);
  for (const name of ['/a.nfo', '/a.jpg', '/mkv', '/a.srt', '/a.mkv.part']) assert.ok(!isMediaName(name), name);
});
