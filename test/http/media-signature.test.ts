import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { beginsAsMedia, signatureLength } from '../../src/http/media-signature.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const packets = (size: number, before = 0) => {
  const stream = Buffer.alloc(before + 3 * size);
  for (const index of [0, 1, 2]) stream[before + index * size] = 0x47;
  return stream.subarray(0, signatureLength);
};

const media: Readonly<Record<string, Buffer>> = {
  'an MP4 film': bytes('\0\0\0\x20ftypisom\0\0\x02\0'),
  'a QuickTime film from before there was ftyp': bytes('\0\0\x09\x2cmoov\0\0\0\x6cmvhd'),
  'a QuickTime film of old with its media first': bytes('\0\0\0\x01mdat\0\0\0\0'),
  'a fragment of DASH': bytes('\0\0\0\x18stypmsdh'),
  'an AVIF image': bytes('\0\0\0\x1cftypavif'),
  'a Matroska film': bytes('\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01'),
  'an AVI film': bytes('RIFF\x24\x10\0\0AVI LIST'),
  'a WAVE sound': bytes('RIFF\x24\x10\0\0WAVEfmt '),
  'a WebP image': bytes('RIFF\x24\x10\0\0WEBPVP8 '),
  'an AIFF sound': bytes('FORM\0\0\x10\0AIFFCOMM'),
  'an Ogg stream': bytes('OggS\0\x02\0\0'),
  'a FLAC sound': bytes('fLaC\0\0\0\x22'),
  'an MP3 sound with a tag': bytes('ID3\x04\0\0\0\0\x1f\x76'),
  'an MP3 sound without one': bytes('\xff\xfb\x90\x64\0'),
  'an MPEG-2 layer 3 frame': bytes('\xff\xf3\x84\xc4'),
  'AAC in ADTS': bytes('\xff\xf1\x50\x80\x02\x1f\xfc'),
  'Dolby Digital': bytes('\x0b\x77\x6a\xbf'),
  'a WMV film': bytes('\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa'),
  'a Flash film': bytes('FLV\x01\x05\0\0\0\x09'),
  'a program stream': bytes('\0\0\x01\xba\x44\0\x04'),
  'MPEG video': bytes('\0\0\x01\xb3\x14\0\xf0'),
  'a transport stream': packets(188),
  'two packets of a transport stream': packets(188).subarray(0, 376),
  'a transport stream of a Blu-ray': packets(192, 4),
  'a transport stream with check bytes': packets(204),
  'a JPEG image': bytes('\xff\xd8\xff\xe0\0\x10JFIF'),
  'a PNG image': bytes('\x89PNG\r\n\x1a\n\0\0\0\x0d'),
  'a GIF image': bytes('GIF89a\x01\0\x01\0'),
};

const others: Readonly<Record<string, Buffer>> = {
  nothing: bytes(''),
  'one byte': bytes('\0'),
  HTML: bytes('<!doctype html><script>1</script>'),
  'HTML behind white space': bytes(' \t\r\n<html>'),
  'HTML with the mark of UTF-8': bytes('\xef\xbb\xbf<html>'),
  'HTML in UTF-16': Buffer.from('\ufeff<html>', 'utf16le'),
  'HTML in UTF-16 of the other order': Buffer.from('\ufeff<html>', 'utf16le').swap16(),
  'HTML that names a box where the type of one stands': bytes('<p> ftyp<script>1</script>'),
  'HTML that names a form': bytes('<b>     AVI <script>'),
  'an SVG image': bytes('<svg xmlns="http://www.w3.org/2000/svg">'),
  XML: bytes('<?xml version="1.0"?>'),
  'a script': bytes('alert(1)'),
  'a PDF document': bytes('%PDF-1.7\n'),
  'a ZIP archive': bytes('PK\x03\x04'),
  'a gzip stream': bytes('\x1f\x8b\x08\0'),
  subtitles: bytes('1\n00:00:01,000 --> 00:00:02,000\nGood morning.\n'),
  'a playlist': bytes('#EXTM3U\n#EXT-X-VERSION:3\n'),
  'a text that begins with G': bytes(`G${'ab'.repeat(300)}`),
  'a text with a G where the second packet would be': bytes(`G${'a'.repeat(187)}G${'a'.repeat(250)}`),
  'text that begins with ID3': bytes('ID3 is a format of tags in files.'),
  'a RIFF of another form': bytes('RIFF\x24\x10\0\0sfbkLIST'),
  zeros: Buffer.alloc(signatureLength),
  ones: Buffer.alloc(signatureLength, 0xff),
};

describe('what begins as media', () => {
  for (const [what, beginning] of Object.entries(media)) {
    it(`is ${what}`, () => assert.equal(beginsAsMedia(beginning), true));
  }

  it('is the film of the demo', () => {
    const film = readFileSync(join(import.meta.dirname, '../../demo/film.mp4'));
    assert.equal(beginsAsMedia(film.subarray(0, signatureLength)), true);
  });

  for (const [what, beginning] of Object.entries(others)) {
    it(`is not ${what}`, () => assert.equal(beginsAsMedia(beginning), false));
  }

  it('never begins as a page does: with an angle bracket, white space, or the mark of an encoding', () => {
    const heads = ['<', ' ', '\t', '\r', '\n', '\f', '\xef\xbb\xbf', '\xff\xfe', '\xfe\xff'];
    for (const head of heads) {
      for (const [what, beginning] of Object.entries(media)) {
        const bent = Buffer.concat([bytes(head), beginning.subarray(head.length)]);
        assert.equal(beginsAsMedia(bent), false, `${JSON.stringify(head)} over ${what}`);
      }
    }
  });
});
