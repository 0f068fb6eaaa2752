import { createServer, type Server, type Socket } from 'node:net';

/** Connections that wait for a worker process; those beyond are closed. */
const WAITING_MAX = 1_000;
/** How long a worker may leave a connection untaken before it is given up here, in milliseconds. */
const TAKE_MS_MAX = 10_000;

/** Sends a connection to a worker process, with `keepOpen`. */
export type HandOver = (socket: Socket) => void;

interface Taker {
  readonly handOver: HandOver;
  /** The connections that it has, as far as it is known. */
  openCount: number;
  /** On its way there, and not taken yet: one at a time, so that a worker that does not take holds up only that. */
  handed: { readonly socket: Socket; readonly timer: NodeJS.Timeout } | undefined;
}

/**
 * Accepts connections and hands each to the worker process that has the fewest, so that a few busy clients use all
 * cores. Workers that accept from a shared socket do not share: whichever is awake takes all that come.
 *
 * A connection stays open here until the worker says that it took it: where that dies before, it is closed, and no
 * client waits for an answer that nobody will give.
 */
export class ConnectionBalancer {
  readonly #server: Server;
  readonly #takers = new Map<number, Taker>();
  readonly #waiting: Socket[] = [];

  constructor() {
    // What node:http sets for the connections that it accepts itself.
    const options = { pauseOnConnect: true, allowHalfOpen: true, noDelay: true };
    this.#server = createServer(options, (socket) => this.#onConnection(socket));
  }

  /** Port 0 takes a free one. Rejects where the address cannot be had. */
  async listen(at: { readonly host: string; readonly port: number }): Promise<{ readonly port: number }> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(at, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    const address = this.#server.address();
    return { port: typeof address === 'object' && address !== null ? address.port : at.port };
  }

  /** From now on the worker is handed connections, and says by `taken` that it took one. */
  add(id: number, handOver: HandOver): void {
    this.#takers.set(id, { handOver, openCount: 0, handed: undefined });
    this.#handOut();
  }

  /** The worker has taken what it was handed, and has this many connections now. */
  taken(id: number, openCount: number): void {
    const taker = this.#takers.get(id);
    if (taker === undefined) return;
    letGo(taker);
    taker.openCount = openCount;
    this.#handOut();
  }

  /** The worker is gone, or is to get nothing more. */
  remove(id: number): void {
    const taker = this.#takers.get(id);
    if (taker === undefined) return;
    this.#takers.delete(id);
    letGo(taker);
  }

  /** Accepts nothing more, and closes what no worker has taken. */
  close(): void {
    this.#server.close();
    for (const id of this.#takers.keys()) this.remove(id);
    for (const socket of this.#waiting.splice(0)) socket.destroy();
  }

  #onConnection(socket: Socket): void {
    // It is not read here: what goes wrong with it, the worker will see.
    socket.on('error', () => undefined);
    if (this.#waiting.length >= WAITING_MAX) {
      socket.destroy();
      return;
    }
    this.#waiting.push(socket);
    this.#handOut();
  }

  #handOut(): void {
    for (;;) {
      const taker = this.#idlest();
      const socket = taker && this.#waiting.shift();
      if (taker === undefined || socket === undefined) return;
      const timer = setTimeout(() => {
        letGo(taker);
        this.#handOut();
      }, TAKE_MS_MAX);
      taker.handed = { socket, timer: timer.unref() };
      taker.openCount += 1;
      taker.handOver(socket);
    }
  }

  /** Of the workers that have taken all that they were handed, the one with the fewest connections. */
  #idlest(): Taker | undefined {
    let idlest: Taker | undefined;
    for (const taker of this.#takers.values()) {
      if (taker.handed === undefined && !(idlest !== undefined && idlest.openCount <= taker.openCount)) idlest = taker;
    }
    return idlest;
  }
}

/** Closes a connection in this process; it lives on in the worker, where that took it. */
function letGo(taker: Taker): void {
  if (taker.handed === undefined) return;
  clearTimeout(taker.handed.timer);
  taker.handed.socket.destroy();
  taker.handed = undefined;
}
