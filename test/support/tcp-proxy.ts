import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a server that can be cut, as when the server is gone, and mended. */
export class TcpProxy implements AsyncDisposable {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;
  #passedBytes = 0;
  #awaited: { readonly bytes: number; resolve(): void } | undefined;

  /** `target`: such as `127.0.0.1:9042`. */
  static async start(target: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await proxy.mend();
    return proxy;
  }

  constructor(target: string) {
    const [host = '', port = ''] = target.split(':');
    this.#target = { host, port: Number(port) };
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Closes every connection and refuses new ones. */
  async cut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.close();
    for (const socket of this.#sockets) socket.destroy();
    if (server !== undefined) await once(server, 'close');
  }

  /** Waits until so many more bytes have come from the server. */
  async passed(bytes: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#awaited = { bytes: this.#passedBytes + bytes, resolve };
    await promise;
  }

  /** Accepts connections again, where it did before. */
  async mend(): Promise<void> {
    const server = createServer((incoming) => this.#forward(incoming));
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    this.#port = typeof address === 'object' && address !== null ? address.port : 0;
    this.#server = server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
  }

  #forward(incoming: Socket): void {
    const outgoing = connect(this.#target);
    outgoing.on('data', ({ length }) => {
      this.#passedBytes += length;
      if (this.#awaited !== undefined && this.#passedBytes >= this.#awaited.bytes) this.#awaited.resolve();
    });
    for (const [from, to] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      this.#sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
