/** Server-sent events over fetch, because an `EventSource` can send no token. A block is one event of a response. */

export interface Block {
  readonly id: string | null;
  readonly event: string;
  readonly text: string;
}

/** Splits the text of a stream, which comes in pieces, into blocks. */
class BlockReader {
  #rest = '';

  /** The blocks that `text` completes. */
  take(text: string): Block[] {
    const parts = (this.#rest + text.replace(/\r\n?/g, '\n')).split('\n\n');
    this.#rest = parts.pop() ?? '';
    return parts.map(parseBlock).filter((block) => block.text !== '' || block.event !== 'message');
  }
}

function parseBlock(lines: string): Block {
  let id: string | null = null;
  let event = 'message';
  const texts: string[] = [];
  for (const line of lines.split('\n')) {
    const [, name = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    if (name === 'id') id = value;
    else if (name === 'event') event = value;
    else if (name === 'data') texts.push(value);
  }
  return { id, event, text: texts.join('\n') };
}

/** Reads a response to its end; `onBlock` gets each block. Rejects where it breaks off. */
export async function readBlocks(body: ReadableStream<Uint8Array>, onBlock: (block: Block) => void): Promise<void> {
  const reader = new BlockReader();
  const decoder = new TextDecoder();
  const source = body.getReader();
  for (;;) {
    const { done, value } = await source.read();
    if (done) return;
    for (const block of reader.take(decoder.decode(value, { stream: true }))) onBlock(block);
  }
}
