/** An origin whose every target is to be had at one address, whatever the target is called. */
import type { Origin } from './origin.ts';

/** Where a request names a place of its own, that one holds. */
export function placedOrigin(origin: Origin, url: URL): Origin {
  return {
    name: origin.name,
    open: ({ place, ...request }, signal) =>
      origin.open({ ...request, place: { url: place?.url ?? url, fields: place?.fields ?? [] } }, signal),
    close: () => origin.close(),
  };
}
