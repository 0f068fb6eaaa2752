import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import type { FramedRequest } from './framed-request.ts';

/** What node:http makes of the bytes of one connection. */
export interface ReadByNode {
  readonly requests: readonly FramedRequest[];
  /** The code of the error that it stopped at. */
  readonly errorCode: string | undefined;
}

/** node:http without its sockets: it is handed the bytes of a connection, and what it parsed is not answered. */
export class NodeReader {
  readonly #server = createServer({ insecureHTTPParser: false, requireHostHeader: false, maxHeaderSize: 16 * 1024 });
  #messages: IncomingMessage[] = [];
  #errorCode: string | undefined;

  constructor() {
    const keep = (message: IncomingMessage) => this.#messages.push(message);
    this.#server.maxHeadersCount = 0;
    this.#server.on('request', keep).on('checkContinue', keep).on('checkExpectation', keep);
    this.#server.on('clientError', (error: NodeJS.ErrnoException) => {
      this.#errorCode ??= error.code ?? error.message;
    });
  }

  async read(bytes: Buffer): Promise<ReadByNode> {
    this.#messages = [];
    this.#errorCode = undefined;
    const connection = new Duplex({ read: () => undefined, write: (_piece, _encoding, done) => done() });
    this.#server.emit('connection', connection);
    // All of it is parsed before this returns.
    connection.emit('data', bytes);
    const read = { requests: this.#messages.map(toRequest), errorCode: this.#errorCode };
    connection.destroy();
    await once(connection, 'close');
    return read;
  }
}

function toRequest(message: IncomingMessage): FramedRequest {
  const { method = '', url: target = '', rawHeaders, complete: isWhole } = message;
  const body: Buffer | null = message.read();
  return { method, target, rawHeaders, body: body?.toString('latin1') ?? '', isWhole };
}
