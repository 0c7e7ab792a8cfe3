/** The far side of one request over a raw connection, as the contract of origins wants it. */
import type { Peer } from '../../src/testing/origin-contract.ts';
import type { RawConnection } from './raw-server.ts';

export async function peerOf(connection: RawConnection): Promise<Peer> {
  const [line = '', ...lines] = (await connection.request()).trimEnd().split('\r\n');
  const fields = lines.map((field) => field.split(': ') as [string, string]);
  return {
    target: line.split(' ')[1] ?? '',
    fields,
    head: (status, given, length) => {
      const text = given.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      void connection.write(`HTTP/1.1 ${status} OK\r\nContent-Length: ${length}\r\n${text}\r\n`);
    },
    bytes: (bytes) => connection.write(bytes),
    cut: () => connection.end(),
    gone: connection.closed,
  };
}
