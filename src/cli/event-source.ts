/** Reads the stream of events (`/-/events`; WHATWG HTML §9.2.6). */
import type { ControlClient } from './control-client.ts';

export interface StreamedEvent {
  readonly id: number;
  /** `gap` where events are lost. */
  readonly type: string;
  /** JSON. */
  readonly text: string;
}

/** The events after the id `after`, until firstbyte ends, the connection breaks off, or the signal aborts. */
export async function* readEvents(
  control: ControlClient,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<StreamedEvent> {
  const stream = await control.open('GET', `events?after=${after}`, {}, signal);
  let rest = '';
  stream.setEncoding('utf8');
  try {
    for await (const text of stream) {
      const blocks = (rest + text).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const fields = Object.fromEntries(block.split('\n').map(fieldOf));
        if (fields.data !== undefined) yield { id: Number(fields.id), type: fields.event ?? '', text: fields.data };
      }
    }
  } catch {
    // Whoever reads knows whether it was the signal.
  } finally {
    stream.destroy();
  }
}

function fieldOf(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
}

/** No event has so high an id. For it, firstbyte answers at once with the newest id. */
const beyond = 999_999_999_999_999;

/** The id of the newest event. */
export async function newestEvent(control: ControlClient, signal: AbortSignal): Promise<number> {
  for await (const { id } of readEvents(control, beyond, signal)) return id;
  return beyond;
}
