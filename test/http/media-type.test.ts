import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldValue } from '../../src/http/fields.ts';
import { withKnownType } from '../../src/http/media-type.ts';

function typeOf(path: string, said: string | null): string | null {
  return fieldValue(withKnownType(said === null ? [] : [['content-type', said]], path), 'content-type');
}

test('a film whose server does not know its type gets one by its name', () => {
  for (const said of [
    'text/plain',
    'text/plain; charset=utf-8',
    'application/octet-stream',
    'binary/octet-stream',
    null,
  ]) {
    assert.equal(typeOf('/films/a b.MKV', said), 'video/x-matroska', `${said}`);
    assert.equal(typeOf('/a.flac', said), 'audio/flac', `${said}`);
  }
});

test('what a server says of a film, and what is no film by its name, stays as it is', () => {
  assert.equal(typeOf('/a.mkv', 'video/mp4'), 'video/mp4');
  assert.equal(typeOf('/a.mkv', 'text/html'), 'text/html');
  for (const path of ['/a.txt', '/a.mkv/b', '/mkv', '/a.toString', '/a.'])
    assert.equal(typeOf(path, 'text/plain'), 'text/plain', path);
  assert.equal(typeOf('/a.mkv.nfo', null), null);
});
