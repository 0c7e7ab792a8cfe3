import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { ByteRange } from '../../src/bytes/byte-range.ts';
import { Outline } from '../../src/media/outline.ts';
import { absent } from '../programs.ts';
import { runs } from '../support/runs.ts';
import { durationMs, type FileName, files, makeFiles } from './files.ts';

/** Gives it what it wants to look at, as far as `isThere`; how often and how much that was. */
function look(outline: Outline, at: (range: ByteRange) => Uint8Array, isThere: (range: ByteRange) => boolean) {
  let [looks, bytes] = [0, 0];
  for (let range = outline.look; range !== null && isThere(range); range = outline.look) {
    outline.give(at(range));
    looks += 1;
    bytes += range.end - range.start;
  }
  return { looks, bytes };
}

function outlineOf(file: Buffer, isThere: (range: ByteRange) => boolean = () => true) {
  const outline = new Outline(file.length);
  const cost = look(outline, ({ start, end }) => file.subarray(start, end), isThere);
  return { outline, cost };
}

/** What is expected of a file: where players ask, told by the letters or bytes that stand there. */
interface Expected {
  readonly container: Outline['container'];
  readonly opening?: readonly string[];
  readonly seeking?: readonly string[];
  /** Whether its own bytes do not tell how long it plays. */
  readonly isEndless?: boolean;
}

const cues = '1c53bb6b';
const expected: Readonly<Record<FileName, Expected>> = {
  'index-behind.mp4': { container: 'mp4', opening: ['moov'] },
  'index-before.mp4': { container: 'mp4' },
  'fragments.mp4': { container: 'mp4', isEndless: true },
  'film.mov': { container: 'mp4', opening: ['moov'] },
  'cues-behind.mkv': { container: 'matroska', seeking: [cues] },
  'cues-before.mkv': { container: 'matroska' },
  'live.mkv': { container: 'matroska', isEndless: true },
  'film.webm': { container: 'matroska', seeking: [cues] },
  'film.avi': { container: 'avi', opening: ['idx1'] },
  'film.ts': { container: 'mpeg-ts', opening: ['tail'] },
  'film.m2ts': { container: 'mpeg-ts', opening: ['tail'] },
  'vorbis.ogg': { container: 'ogg', opening: ['tail'] },
  'opus.ogg': { container: 'ogg', opening: ['tail'] },
  'sound.flac': { container: 'flac' },
  'sound.wav': { container: 'wav' },
  'variable.mp3': { container: 'mp3', opening: ['tail'] },
  'constant.mp3': { container: 'mp3', opening: ['tail'] },
};

/** The word of `expected` for what stands at a range of a file. */
function wordFor(file: Buffer, { start, end }: ByteRange): string {
  const piece = file.subarray(start, end);
  for (const word of ['moov', 'idx1']) if (piece.subarray(0, 8).includes(word)) return word;
  if (piece.subarray(0, 4).toString('hex') === cues) return cues;
  return end === file.length ? 'tail' : 'something else';
}

const noFfmpeg = absent('ffmpeg', 'ffmpeg', '-version');

describe('a file that ffmpeg made', { skip: noFfmpeg }, () => {
  let made: Readonly<Record<FileName, Buffer>>;
  before(async () => {
    made = await makeFiles();
  });

  for (const [name, { container, opening = [], seeking = [], isEndless = false }] of Object.entries(expected)) {
    it(`${name} is known, with its duration, and with what players ask for next`, () => {
      const file = made[name as FileName];
      const { outline, cost } = outlineOf(file);
      assert.equal(outline.container, container);
      assert.deepEqual(
        outline.opening.map((range) => wordFor(file, range)),
        opening,
      );
      assert.deepEqual(
        outline.seeking.map((range) => wordFor(file, range)),
        seeking,
      );
      for (const { end } of [...outline.opening, ...outline.seeking]) assert.ok(end <= file.length);
      const told = outline.durationMs ?? 0;
      if (isEndless) assert.equal(told, 0);
      else assert.ok(Math.abs(told - durationMs) < 300, `${told} ms`);
      assert.ok(cost.looks <= 64, `${cost.looks} looks`);
    });

    it(`${name} tells by its first 16 KiB where players ask when they open it`, () => {
      const file = made[name as FileName];
      const { outline } = outlineOf(file, ({ end }) => end <= 16_384);
      assert.deepEqual(
        outline.opening.map(({ start }) => start),
        outlineOf(file).outline.opening.map(({ start }) => start),
      );
    });
  }

  it('costs bounded work and names nothing outside of it, whatever stands in it', () => {
    const names = Object.keys(files) as FileName[];
    const change = fc.record({ at: fc.nat(8192), to: fc.uint8Array({ minLength: 1, maxLength: 12 }) });
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.array(change, { maxLength: 6 }),
        fc.double(),
        (name, changes, share) => {
          const whole = made[name];
          const part = Number.isFinite(share) ? Math.abs(share) % 1 : 1;
          const file = Buffer.from(whole.subarray(0, Math.ceil(whole.length * part)));
          for (const { at, to } of changes)
            file.set(to.subarray(0, Math.max(0, file.length - at)), Math.min(at, file.length));
          assertBounded(file);
        },
      ),
      { numRuns: runs(2000) },
    );
  });
});

function assertBounded(file: Buffer): void {
  const { outline, cost } = outlineOf(file);
  assert.ok(cost.looks <= 4096 && cost.bytes <= 32 * 1024 * 1024, `${cost.looks} looks at ${cost.bytes} bytes`);
  for (const { start, end } of [...outline.opening, ...outline.seeking]) {
    assert.ok(start >= 0 && start < end && end <= file.length && end - start <= 8 * 1024 * 1024);
  }
  const { durationMs: told } = outline;
  assert.ok(told === null || (Number.isSafeInteger(told) && told > 0));
}

describe('bytes', () => {
  it('of any kind cost bounded work', () => {
    const signature = fc.constantFrom(
      '',
      '\x1a\x45\xdf\xa3',
      'RIFF\0\0\0\0AVI ',
      'OggS',
      'fLaC',
      'ID3',
      '\0\0\0\x20ftyp',
      '\xff\xfb\x90\x64',
    );
    fc.assert(
      fc.property(signature, fc.uint8Array({ maxLength: 4096 }), (begin, rest) => {
        assertBounded(Buffer.concat([Buffer.from(begin, 'latin1'), rest]));
      }),
      { numRuns: runs(2000) },
    );
  });
});

/** Boxes with what stands for their sizes. */
function boxes(...all: readonly (readonly [type: string, size: number | bigint, content?: Buffer])[]): Buffer {
  return Buffer.concat(
    all.flatMap(([type, size, content = Buffer.alloc(0)]) => {
      const head = Buffer.alloc(typeof size === 'bigint' ? 16 : 8);
      head.writeUInt32BE(typeof size === 'bigint' ? 1 : size);
      head.write(type, 4, 'latin1');
      if (typeof size === 'bigint') head.writeBigUInt64BE(size, 8);
      return [head, content];
    }),
  );
}

describe('the boxes of an MP4 file', () => {
  const gibibyte = 1024 ** 3;
  const ofLength = (head: Buffer, length: number) => {
    const outline = new Outline(length);
    look(
      outline,
      ({ start, end }) => head.subarray(start, end),
      ({ end }) => end <= head.length,
    );
    return outline;
  };

  it('may be larger than 4 GiB', () => {
    const head = boxes(['ftyp', 24, Buffer.alloc(16)], ['wide', 8], ['mdat', BigInt(6 * gibibyte)]);
    const end = 32 + 6 * gibibyte;
    assert.deepEqual(ofLength(head, end + 2_000_000).opening, [{ start: end, end: end + 2_000_000 }]);
  });

  it('that go on to the end of the file have nothing behind them', () => {
    const head = boxes(['ftyp', 24, Buffer.alloc(16)], ['mdat', 0]);
    assert.deepEqual(ofLength(head, gibibyte).opening, []);
  });

  it('that claim to be larger than the file, or have no size, are not believed', () => {
    for (const size of [gibibyte, 2n ** 63n, 4, 0n]) {
      assert.deepEqual(ofLength(boxes(['ftyp', 24, Buffer.alloc(16)], ['mdat', size]), 1_000_000).opening, []);
    }
  });
});
