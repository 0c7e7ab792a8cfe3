/**
 * Whether a file begins as audio, video or a raster image: the signatures that WHATWG MIME Sniffing §6 knows, and those
 * of the containers that players open beside them.
 *
 * A file that begins as a page may, with `<`, white space or a byte order mark, is none. So no browser that looks at the
 * same bytes takes a match for a document.
 */

/** How many bytes of the beginning are needed; fewer tell less. */
export const signatureLength = 2 * 204 + 1;

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: signatures are made of them
/** How files begin, read as Latin-1. */
const signatures: readonly RegExp[] = [
  /^\x1a\x45\xdf\xa3/, // Matroska and WebM
  /^RIFF.{4}(?:AVI |AVIX|WAVE|WEBP|RMID)/s,
  /^RF64.{4}WAVE/s,
  /^FORM.{4}(?:AIFF|AIFC)/s,
  /^(?:OggS\0|fLaC|FLV\x01|\.RMF|MThd\0\0\0\x06|wvpk|MAC |\.snd\0\0\0|#!AMR|\x0b\x77|\x7f\xfe\x80\x01)/,
  /^\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9/, // Advanced Systems Format: WMV and WMA
  /^\0\0\x01[\xba\xb3]/, // MPEG program stream, and MPEG video by itself
  /^(?:\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n)/, // images
  // A box that may come first in the ISO base media file format, or in the QuickTime files before it. Its length is below
  // 16 MiB, or stands behind its type.
  /^\0.{3}(?:ftyp|moov|mdat|moof|styp|sidx|free|skip|wide)/s,
  // ID3v2 §3.1: a version, flags, and a size in four bytes of seven bits.
  /^ID3[\0-\x0f].{2}[\0-\x7f]{4}/s,
];
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: signatures are made of them

export function beginsAsMedia(beginning: Uint8Array): boolean {
  const text = Buffer.from(beginning.buffer, beginning.byteOffset, beginning.byteLength).toString('latin1');
  if (/^(?:[<\t\n\f\r ]|\xef\xbb\xbf|\xff\xfe|\xfe\xff)/.test(text)) return false;
  return signatures.some((signature) => signature.test(text)) || isAudioFrame(beginning) || isTransportStream(text);
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
  const forms = [{ offset: 0, packet: 188 }, { offset: 4, packet: 192 }, { offset: 0, packet: 204 }]; // biome-ignore format: one line reads best
  return forms.some(({ offset, packet }) => {
    const syncs = [0, 1, 2].map((index) => text[offset + index * packet]).filter((byte) => byte !== undefined);
    return syncs.length > 1 && syncs.every((byte) => byte === 'G');
  });
}
