/** What would lead from firstbyte back to itself, as far as the settings alone can tell. */
import { literalAddresses, OwnListeners } from '../http/own-listeners.ts';
import type { OriginSettings } from './origins.ts';
import type { ListenAddress } from './values.ts';

/** A name is judged at each connect, and so is a port that is not known yet. */
export function loopProblems(listen: readonly ListenAddress[], origins: readonly OriginSettings[]): string[] {
  const own = new OwnListeners();
  for (const address of listen) {
    if ('path' in address || address.port === 0) continue;
    for (const bound of literalAddresses(address.host)) own.add({ address: bound, port: address.port });
  }
  return origins.flatMap(({ name, url, mirrors, proxy, refresh }) => {
    const places: [key: string, url: URL | undefined][] = [
      ['url', url],
      ...mirrors.map((mirror): [string, URL] => ['mirrors', mirror.url]),
      ['proxy', proxy?.url],
      ['refresh', refresh !== undefined && 'endpoint' in refresh ? refresh.endpoint : undefined],
    ];
    return places.flatMap(([key, place]) => {
      if (place === undefined) return [];
      const port = Number(place.port) || (place.protocol === 'https:' ? 443 : 80);
      if (!literalAddresses(place.hostname).some((address) => own.has(address, port))) return [];
      return [
        `origins.${name}.${key}: ${place.host} is where firstbyte itself listens (listen): name the server behind it`,
      ];
    });
  });
}
