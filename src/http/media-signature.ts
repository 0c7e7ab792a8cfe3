/**
 * Whether a file begins as audio, video or a raster image: the signatures that WHATWG MIME Sniffing §6 knows, and those
 * of the containers that players open beside them.
 *
 * What begins as a page may begin, with `<`, white space or the mark of an encoding, is none: no browser that looks at
 * the same bytes takes any of these for a document.
 */

/** So many bytes of the beginning tell; fewer tell less. */
export const signatureLength = 2 * 204 + 1;

/** What stands at which offset, as Latin-1 text. */
type Signature = ReadonlyArray<readonly [offset: number, text: string]>;

const signatures: readonly Signature[] = [
  // Matroska and WebM.
  [[0, '\x1a\x45\xdf\xa3']],
  ...['AVI ', 'AVIX', 'WAVE', 'WEBP', 'RMID'].map(
    (form): Signature => [
      [0, 'RIFF'],
      [8, form],
    ],
  ),
  [
    [0, 'RF64'],
    [8, 'WAVE'],
  ],
  ...['AIFF', 'AIFC'].map(
    (form): Signature => [
      [0, 'FORM'],
      [8, form],
    ],
  ),
  [[0, 'OggS\0']],
  [[0, 'fLaC']],
  [[0, 'FLV\x01']],
  [[0, '.RMF']],
  [[0, 'MThd\0\0\0\x06']],
  [[0, 'wvpk']],
  [[0, 'MAC ']],
  [[0, '.snd\0\0\0']],
  [[0, '#!AMR']],
  [[0, '\x0b\x77']],
  [[0, '\x7f\xfe\x80\x01']],
  // Advanced Systems Format: WMV and WMA.
  [[0, '\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9']],
  // MPEG program stream, and MPEG video by itself.
  [[0, '\0\0\x01\xba']],
  [[0, '\0\0\x01\xb3']],
  // Images.
  [[0, '\xff\xd8\xff']],
  [[0, '\x89PNG\r\n\x1a\n']],
  [[0, 'GIF87a']],
  [[0, 'GIF89a']],
  [[0, '\xff\x0a']],
  [[0, '\0\0\0\x0cJXL \r\n\x87\n']],
];

/** Boxes that may come first in the ISO base media file format, and in the QuickTime files before it. */
const firstBoxes: ReadonlySet<string> = new Set([
  'ftyp',
  'moov',
  'mdat',
  'moof',
  'styp',
  'sidx',
  'free',
  'skip',
  'wide',
]);

export function beginsAsMedia(beginning: Uint8Array): boolean {
  const text = Buffer.from(beginning.buffer, beginning.byteOffset, beginning.byteLength).toString('latin1');
  if (/^(?:[<\t\n\f\r ]|\xef\xbb\xbf|\xff\xfe|\xfe\xff)/.test(text)) return false;
  return (
    signatures.some((signature) => signature.every(([offset, part]) => text.startsWith(part, offset))) ||
    isBox(beginning, text) ||
    isId3(beginning, text) ||
    isAudioFrame(beginning) ||
    isTransportStream(text)
  );
}

/** The length of a first box is below 16 MiB, or stands behind its type. */
function isBox(beginning: Uint8Array, text: string): boolean {
  const type = text.slice(4, 8);
  return firstBoxes.has(type) && beginning[0] === 0;
}

/** ID3v2 §3.1: a version, flags, and a size in four bytes of seven bits. */
function isId3(beginning: Uint8Array, text: string): boolean {
  const [version = 0, size] = [beginning[3], beginning.subarray(6, 10)];
  return text.startsWith('ID3') && version < 0x10 && size.length === 4 && size.every((byte) => byte < 0x80);
}

/** A frame of MPEG audio, or of AAC in ADTS. */
function isAudioFrame([first, second = 0, third = 0xff]: Uint8Array): boolean {
  if (first !== 0xff || (second & 0xe0) !== 0xe0) return false;
  if ((second & 0xf6) === 0xf0) return ((third >> 2) & 0xf) < 13;
  const [version, layer] = [(second >> 3) & 3, (second >> 1) & 3];
  return version !== 1 && layer !== 0 && third >> 4 !== 0xf && ((third >> 2) & 3) !== 3;
}

/** Packets of an MPEG transport stream, by themselves, with the times of M2TS before them, or with check bytes behind. */
function isTransportStream(text: string): boolean {
  return [
    [0, 188],
    [4, 192],
    [0, 204],
  ].some(([offset = 0, packet = 0]) => {
    const syncs = [0, 1, 2].map((index) => text[offset + index * packet]).filter((byte) => byte !== undefined);
    return syncs.length > 1 && syncs.every((byte) => byte === 'G');
  });
}
