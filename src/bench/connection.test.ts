import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Connection } from './connection.ts';

const REQUEST = [Buffer.from('GET / HTTP/1.1\r\n'), Buffer.from('host: localhost\r\n\r\n')];

/** A server whose sockets `serve` answers, one request a piece of data. */
async function startServer(serve: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('data', () => serve(socket)).on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: { host: '127.0.0.1', port },
    connectionsCount: () => sockets.length,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

test('a connection is kept alive, and opened again after an answer that ends it', async () => {
  let answersCount = 0;
  await using server = await startServer((socket) => {
    answersCount += 1;
    const isLast = answersCount % 2 === 0;
    socket.write(`HTTP/1.1 200 OK\r\n${isLast ? 'Connection: close\r\n' : ''}Content-Length: 1\r\n\r\n${answersCount}`);
    if (isLast) socket.end();
  });
  using connection = await Connection.open(server.address);
  const bodies: string[] = [];
  for (let count = 0; count < 6; count++) bodies.push(`${(await connection.send(REQUEST)).body}`);
  expect(bodies).toEqual(['1', '2', '3', '4', '5', '6']);
  expect(server.connectionsCount()).toBe(3);
});

test('a connection that ends within an answer fails the request, and every later one', async () => {
  await using server = await startServer((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhal'));
  using connection = await Connection.open(server.address);
  await expect(connection.send(REQUEST)).rejects.toThrow('The server closed the connection.');
  await expect(connection.send(REQUEST)).rejects.toThrow('The server closed the connection.');
});

test('a request that runs ends with the reason of the signal', async () => {
  await using server = await startServer(() => undefined);
  using connection = await Connection.open(server.address);
  const stop = new AbortController();
  connection.closeWith(stop.signal);
  const sent = connection.send(REQUEST);
  stop.abort(new Error('enough'));
  await expect(sent).rejects.toThrow('enough');
});

test('a server that is not there is an error of the system', async () => {
  const server = await startServer(() => undefined);
  await server[Symbol.asyncDispose]();
  await expect(Connection.open(server.address)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
