import { connect, type Socket } from 'node:net';

/** Longest that a test waits for a connection to say or do something. */
const PATIENCE_MS = 10_000;

export interface RawResponse {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** One TCP connection that sends whatever bytes a test wants. */
export class RawConnection implements Disposable {
  readonly #socket: Socket;
  #pieces: Buffer[] = [];
  #receivedBytes = 0;
  #isClosed = false;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (data: Buffer) => {
      this.#pieces.push(data);
      this.#receivedBytes += data.length;
      this.#wake?.();
    });
    const close = () => {
      this.#isClosed = true;
      this.#wake?.();
    };
    socket.on('end', close).on('close', close).on('error', close);
  }

  static async open(port: number): Promise<RawConnection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RawConnection(socket);
  }

  /** The port of this end. */
  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  send(bytes: string | Uint8Array): void {
    this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Says that nothing more comes, and goes on listening. */
  half(): void {
    this.#socket.end();
  }

  /** Stops reading, as a client does that takes nothing. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Everything received before the next empty line, and skips it. */
  async head(): Promise<string> {
    for (;;) {
      const end = this.#received().indexOf('\r\n\r\n');
      if (end !== -1)
        return this.#take(end + 4)
          .subarray(0, end)
          .toString('latin1');
      await this.#more();
    }
  }

  /** The next response; interim ones are skipped. `method` HEAD has no body. */
  async response(method = 'GET'): Promise<RawResponse> {
    for (;;) {
      const [statusLine = '', ...lines] = (await this.head()).split('\r\n');
      const status = Number(statusLine.split(' ')[1]);
      if (status < 200) continue;
      const headers = new Map(
        lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
      );
      const length = method === 'HEAD' ? 0 : Number(headers.get('content-length') ?? 0);
      while (this.#receivedBytes < length) await this.#more();
      return { status, headers, body: this.#take(length) };
    }
  }

  /** Resolves with what came before it, once the server has closed the connection. */
  async closed(): Promise<Buffer> {
    while (!this.#isClosed) await this.#activity();
    return this.#received();
  }

  #received(): Buffer {
    const received = Buffer.concat(this.#pieces);
    this.#pieces = [received];
    return received;
  }

  #take(count: number): Buffer {
    const received = this.#received();
    this.#pieces = [received.subarray(count)];
    this.#receivedBytes = received.length - count;
    return received.subarray(0, count);
  }

  async #more(): Promise<void> {
    if (this.#isClosed)
      throw new Error(`The connection was closed after ${JSON.stringify(this.#received().toString('latin1'))}.`);
    await this.#activity();
  }

  async #activity(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(() => reject(new Error('Nothing happened on the connection.')), PATIENCE_MS);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#wake = undefined;
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** The bytes of a request. Header values are sent one byte a character. */
export function requestBytes(
  line: string,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array = Buffer.alloc(0),
): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${line} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'), body]);
}

/** The text of the first element `name` in an XML body. */
export function elementText(body: Uint8Array, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(Buffer.from(body).toString('utf8'))?.[1];
}
