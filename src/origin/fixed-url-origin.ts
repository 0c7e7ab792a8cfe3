/** An origin whose targets all come from one URL, whatever the request calls them. */
import type { Origin } from './origin.ts';

/** A URL that the request brings along goes first. */
export function fixedUrlOrigin(origin: Origin, url: URL): Origin {
  return {
    name: origin.name,
    open: ({ resolved, ...request }, signal) =>
      origin.open({ ...request, resolved: { url: resolved?.url ?? url, fields: resolved?.fields ?? [] } }, signal),
    close: () => origin.close(),
  };
}
