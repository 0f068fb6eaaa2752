import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** Passes connections on to a server, and counts what comes back from it. */
export interface Relay extends AsyncDisposable {
  /** `host:port`. */
  readonly host: string;
  /** The bytes that came back since this was last asked for. */
  takeReceivedBytes(): number;
}

/** Stands before the server at `port` of 127.0.0.1. */
export async function startRelay(port: number): Promise<Relay> {
  let receivedBytes = 0;
  const sockets = new Set<Socket>();
  const relay = createServer((client) => {
    const server = connect(port, '127.0.0.1');
    server.on('data', (bytes) => {
      receivedBytes += bytes.length;
    });
    client.pipe(server).pipe(client);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(socket);
      // A client may leave in the middle of a reply.
      socket.on('error', () => other.destroy());
      socket.on('close', () => other.destroy());
    }
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const address = relay.address();
  if (address === null || typeof address === 'string') throw new Error('The relay has no port.');
  return {
    host: `127.0.0.1:${address.port}`,
    takeReceivedBytes() {
      const taken = receivedBytes;
      receivedBytes = 0;
      return taken;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(relay, 'close');
      relay.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
