/** The far end of `--check`: a server that sends zeros as fast as it may, and counts the datagrams that it gets. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const zeros = Buffer.alloc(64 * 1024);
const port = 7000;

/** A client that sends a byte gets it back and nothing more; one that sends none gets zeros until it leaves. */
const echo = createServer((socket) => {
  socket.setNoDelay(true).on('error', () => {});
  socket.pipe(socket);
}).listen(port + 1);

const source = createServer((socket) => {
  const send = () => {
    while (socket.writable && socket.write(zeros)) {}
  };
  socket.on('error', () => {}).on('drain', send);
  send();
}).listen(port);

const datagrams = createSocket('udp4').bind(port);
let received = 0;
datagrams.on('message', (message, { address, port: from }) => {
  if (message.length > 1) received += 1;
  else datagrams.send(String(received), from, address);
});

await Promise.all([echo, source, datagrams].map((one) => new Promise((resolve) => one.once('listening', resolve))));
console.log('ready');
