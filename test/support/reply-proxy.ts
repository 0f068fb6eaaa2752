import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What happens to a request, instead of its reply. */
export interface Fate {
  /** A text in the request that it happens to; prepared requests have nothing but their values. */
  readonly text: string;
  /**
   * - `cut before`: the connection ends, and the server never hears of it.
   * - `cut after`: the server has done it, and the connection ends in the place of its reply.
   * - `silence`: the server has done it, and nothing comes on that connection any more.
   */
  readonly kind: 'cut before' | 'cut after' | 'silence';
  /** To so many requests; then all is well again. */
  readonly times: number;
  /** Runs after the server has replied, before anybody can know. */
  readonly meanwhile?: () => Promise<void>;
}

/** A way to a server on which replies get lost. */
export class ReplyProxy implements AsyncDisposable {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #fate: Fate | undefined;
  #left = 0;

  /** `target`: such as `127.0.0.1:9042`. */
  static async start(target: string): Promise<ReplyProxy> {
    const [host = '', port = ''] = target.split(':');
    const proxy = new ReplyProxy({ host, port: Number(port) });
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
    this.#server = createServer((incoming) => this.#forward(incoming));
  }

  get address(): string {
    const address = this.#server.address();
    return `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  /** How many requests it has still to happen to. */
  get left(): number {
    return this.#left;
  }

  setFate(fate: Fate): void {
    this.#fate = fate;
    this.#left = fate.times;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #forward(incoming: Socket): void {
    const outgoing = connect(this.#target);
    let fate: Fate | undefined;
    const end = (): void => {
      incoming.destroy();
      outgoing.destroy();
    };
    for (const socket of [incoming, outgoing]) {
      this.#sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    incoming.on('data', (chunk) => {
      fate ??= this.#fateOf(chunk);
      if (fate?.kind === 'cut before') end();
      else outgoing.write(chunk);
    });
    outgoing.on('data', (chunk) => {
      if (fate === undefined) {
        incoming.write(chunk);
        return;
      }
      const { kind, meanwhile } = fate;
      if (kind === 'cut after') void (meanwhile?.() ?? Promise.resolve()).finally(end);
    });
  }

  #fateOf(chunk: Buffer): Fate | undefined {
    const fate = this.#fate;
    if (fate === undefined || this.#left === 0 || !chunk.includes(fate.text)) return undefined;
    this.#left--;
    return fate;
  }
}
