import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

export interface BalancerLimits {
  /** Connections that wait for a worker process; those beyond are closed. */
  readonly waitingMax: number;
  /** How long a worker may leave a connection untaken before the next may be handed to it, in milliseconds. */
  readonly takeMsMax: number;
}

const LIMITS: BalancerLimits = { waitingMax: 1_000, takeMsMax: 10_000 };

/** Sends a connection to a worker process, with `keepOpen`. */
export type HandOver = (socket: Socket) => void;

/** What an operator should hear of: a worker that does not take what it was handed, or more connections than wait. */
export type BalancerTrouble =
  | { readonly kind: 'untaken'; readonly worker: number; readonly afterMs: number }
  | { readonly kind: 'closed'; readonly waitingCount: number };

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
  readonly #limits: BalancerLimits;
  readonly #onTrouble: (trouble: BalancerTrouble) => void;

  constructor(options: {
    readonly onTrouble: (trouble: BalancerTrouble) => void;
    readonly limits?: Partial<BalancerLimits>;
  }) {
    this.#limits = { ...LIMITS, ...options.limits };
    this.#onTrouble = options.onTrouble;
    // As for connections that a worker accepts itself.
    const sockets = { pauseOnConnect: true, allowHalfOpen: true, noDelay: true };
    this.#server = createServer(sockets, (socket) => this.#onConnection(socket));
  }

  /** Port 0 takes a free one. Rejects where the address cannot be had. */
  async listen(at: { readonly host: string; readonly port: number }): Promise<{ readonly port: number }> {
    await once(this.#server.listen(at), 'listening');
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
    if (this.#waiting.length >= this.#limits.waitingMax) {
      this.#onTrouble({ kind: 'closed', waitingCount: this.#waiting.length });
      socket.destroy();
      return;
    }
    this.#waiting.push(socket);
    this.#handOut();
  }

  #handOut(): void {
    for (;;) {
      const [id, taker] = this.#idlest() ?? [];
      const socket = taker && this.#waiting.shift();
      if (id === undefined || taker === undefined || socket === undefined) return;
      const afterMs = this.#limits.takeMsMax;
      const timer = setTimeout(() => {
        this.#onTrouble({ kind: 'untaken', worker: id, afterMs });
        letGo(taker);
        this.#handOut();
      }, afterMs);
      taker.handed = { socket, timer: timer.unref() };
      taker.openCount += 1;
      taker.handOver(socket);
    }
  }

  /** Of the workers that have taken all that they were handed, the one with the fewest connections. */
  #idlest(): [id: number, taker: Taker] | undefined {
    const free = [...this.#takers].filter(([, { handed }]) => handed === undefined);
    return free.toSorted(([, a], [, b]) => a.openCount - b.openCount)[0];
  }
}

/** Closes a connection in this process; it lives on in the worker, where that took it. */
function letGo(taker: Taker): void {
  if (taker.handed === undefined) return;
  clearTimeout(taker.handed.timer);
  taker.handed.socket.destroy();
  taker.handed = undefined;
}
