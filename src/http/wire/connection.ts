import type { Socket } from 'node:net';
import { S3Error } from '../../domain/s3-error.ts';
import { freeOnReturn } from '../../stores/lent-pieces.ts';
import type { HttpLimits } from '../limits.ts';
import { Answer } from './answer.ts';
import { IncomingBody } from './incoming-body.ts';
import { malformed, mayBeginHead, parseRequestHead, parseRequestLine, type RequestHead } from './request-head.ts';

/** How much of later requests may have come while one is answered, in bytes; the system holds what comes then. */
const AHEAD_BYTES_MAX = 64 * 1024;
/** How long a refused connection may go on sending before it is cut, in milliseconds, so that it gets to see why. */
const REFUSAL_LINGER_MS = 1_000;
const HEAD_END = '\r\n\r\n';
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;

/** Why the signal of a request fires. */
export class RequestAborted extends Error {
  override readonly name = 'RequestAborted';
}

function clientGone(): RequestAborted {
  return new RequestAborted('The client has gone.');
}

/** What all connections of a listener share. */
export interface ConnectionContext {
  readonly limits: HttpLimits;
  /** Answers one request. Must not reject. */
  readonly handle: (exchange: Exchange) => Promise<void>;
  /** The whole answer to what is no request; the connection closes after it. */
  readonly refuse: (error: S3Error) => string;
  /** Milliseconds since some moment, never fewer than before. */
  readonly elapsedMs: () => number;
  /** Whether the server is stopping, so that each answer is the last of its connection. */
  readonly isDraining: () => boolean;
}

/** One request and its answer, on one connection. */
export class Exchange {
  readonly head: RequestHead;
  readonly body: IncomingBody;
  readonly answer: Answer;
  /** The address of whoever holds the other end of the connection. */
  readonly remoteAddress: string;
  readonly isEncrypted: boolean;
  readonly #controller = new AbortController();
  readonly #isDraining: () => boolean;

  constructor(
    parts: Pick<Exchange, 'head' | 'body' | 'answer' | 'remoteAddress' | 'isEncrypted'>,
    isDraining: () => boolean,
  ) {
    this.#isDraining = isDraining;
    this.head = parts.head;
    this.body = parts.body;
    this.answer = parts.answer;
    this.remoteAddress = parts.remoteAddress;
    this.isEncrypted = parts.isEncrypted;
  }

  /** Fires when the client has gone, or the server stops waiting. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether its answer is to be the last on its connection, as things stand. */
  get isLast(): boolean {
    return !this.head.isPersistent || !this.body.isDrainable || this.#isDraining();
  }

  abort(reason: RequestAborted): void {
    this.#controller.abort(reason);
  }

  /** Throws the reason of the signal where it has fired, or is about to, for the connection has gone. */
  requireClient(): void {
    if (this.answer.isGone) this.abort(clientGone());
    this.signal.throwIfAborted();
  }
}

/**
 * One connection of HTTP/1.1: its requests are answered one after the other, in the order they came.
 *
 * While one is answered, what comes of the next waits here up to a limit, and beyond it with the client. What is no
 * request is refused, and nothing is heard of the connection after it.
 * Source: https://www.rfc-editor.org/rfc/rfc9112
 */
export class Connection {
  readonly #socket: Socket;
  readonly #context: ConnectionContext;
  readonly #remoteAddress: string;
  readonly #isEncrypted: boolean;
  /** What has come and was not looked at: of a head, or of what follows the request that is answered. */
  #unread: Buffer | undefined;
  /** How much of it is known to hold no end of a head. */
  #searchedBytes = 0;
  #exchange: Exchange | undefined;
  #awaits: 'first head' | 'next head' | 'rest of head' = 'first head';
  /** Since when it does. */
  #sinceMs: number;
  /** The client has ended its side. */
  #isHalf = false;
  /** Nothing that comes is looked at any more. */
  #isDeaf = false;

  constructor(socket: Socket, context: ConnectionContext) {
    this.#socket = socket;
    this.#context = context;
    this.#remoteAddress = socket.remoteAddress ?? '';
    this.#isEncrypted = 'encrypted' in socket;
    this.#sinceMs = context.elapsedMs();
    socket
      .on('data', (bytes: Buffer) => this.#onData(bytes))
      .on('end', () => this.#onEnd())
      .on('timeout', () => socket.destroy())
      // `close` follows.
      .on('error', () => undefined)
      .on('close', () => this.#onClose());
  }

  /** Closes at once where nothing is being read or answered. */
  closeIfIdle(): void {
    if (this.#exchange === undefined && this.#awaits !== 'rest of head') this.#socket.destroy();
  }

  /** Closes at once; the signal of a request that is being answered fires. */
  cut(reason: RequestAborted): void {
    this.#exchange?.abort(reason);
    this.#socket.destroy();
  }

  /** Gives up on a client that has taken too long to send a head. */
  expire(nowMs: number): void {
    if (this.#exchange !== undefined || this.#isDeaf) return;
    const { headersTimeoutMs, keepAliveTimeoutMs } = this.#context.limits;
    if (nowMs - this.#sinceMs < (this.#awaits === 'next head' ? keepAliveTimeoutMs : headersTimeoutMs)) return;
    if (this.#awaits === 'rest of head') this.#refuse(new S3Error('RequestTimeout'));
    else this.#socket.destroy();
  }

  #onData(bytes: Buffer): void {
    if (this.#isDeaf) return;
    if (this.#exchange === undefined) {
      this.#keep(bytes);
      this.#readHead();
    } else {
      this.#feed(this.#exchange.body, bytes);
    }
  }

  /** The client sends nothing more: whoever sent a whole request and has heard nothing yet has gone, as a rule. */
  #onEnd(): void {
    this.#isHalf = true;
    if (this.#isDeaf) return;
    const exchange = this.#exchange;
    if (exchange === undefined) this.#readHead();
    else if (!exchange.body.isComplete) exchange.body.fail(new S3Error('IncompleteBody'));
    else if (!exchange.answer.isBegun) this.#socket.destroy();
  }

  #onClose(): void {
    this.#isDeaf = true;
    this.#exchange?.abort(clientGone());
    this.#exchange?.body.fail(new S3Error('IncompleteBody'));
  }

  #keep(bytes: Buffer): void {
    this.#unread = this.#unread === undefined ? bytes : Buffer.concat([this.#unread, bytes]);
  }

  /** Hands the body what came; what comes after its end waits. */
  #feed(body: IncomingBody, bytes: Buffer): void {
    try {
      const rest = body.receive(bytes);
      if (rest !== undefined && rest.length > 0) this.#keep(rest);
      if (this.#unread !== undefined && this.#unread.length >= AHEAD_BYTES_MAX) this.#socket.pause();
    } catch (error) {
      // Where the body ends, and so where a request would begin, nobody can know.
      this.#isDeaf = true;
      body.fail(error instanceof S3Error ? error : new S3Error('BadRequest', { cause: error }));
    }
  }

  /** Begins the next request, if all of its head has come. */
  #readHead(): void {
    const bytes = withoutEmptyLines(this.#unread);
    this.#unread = bytes;
    if (bytes === undefined) {
      if (this.#isHalf) this.#socket.destroySoon();
      return;
    }
    try {
      const end = bytes.indexOf(HEAD_END, Math.max(0, this.#searchedBytes - HEAD_END.length));
      if ((end === -1 ? bytes.length : end) > this.#context.limits.headerBytesMax) {
        throw new S3Error('RequestHeaderSectionTooLarge');
      }
      if (end === -1) this.#awaitRest(bytes);
      else this.#begin(parseRequestHead(bytes.toString('latin1', 0, end + 2)), afterHead(bytes, end));
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** Throws where what has come of a head will never be one: nobody is to wait for its rest. */
  #awaitRest(bytes: Buffer): void {
    // A lone CR may be the first half of an empty line, which is no part of the head.
    if (bytes.length > 1 || bytes[0] !== CARRIAGE_RETURN) {
      requireLines(bytes, this.#searchedBytes);
      this.#searchedBytes = bytes.length;
    }
    if (this.#isHalf) throw new S3Error('IncompleteBody');
    if (this.#awaits === 'rest of head') return;
    this.#awaits = 'rest of head';
    this.#sinceMs = this.#context.elapsedMs();
  }

  #begin(head: RequestHead, rest: Buffer): void {
    this.#unread = undefined;
    this.#searchedBytes = 0;
    const socket = this.#socket;
    const answer = new Answer(socket);
    const body = new IncomingBody({
      framing: head.body,
      limits: this.#context.limits,
      sendContinue: head.awaitsContinue ? () => answer.sendContinue() : undefined,
      setFlowing: (isFlowing) => (isFlowing ? socket.resume() : socket.pause()),
    });
    const connection = { remoteAddress: this.#remoteAddress, isEncrypted: this.#isEncrypted };
    const exchange = new Exchange({ head, body, answer, ...connection }, this.#context.isDraining);
    this.#exchange = exchange;
    if (rest.length > 0) this.#feed(body, rest);
    if (this.#isHalf) body.fail(new S3Error('IncompleteBody'));
    void this.#answer(exchange);
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { limits, handle } = this.#context;
    const { answer, signal } = exchange;
    await handle(exchange);
    // The next answer is not begun before the client has taken this one.
    if (answer.needsDrain) await answer.drained({ signal, timeoutMs: limits.sendTimeoutMs }).catch(() => undefined);
    this.#onAnswered(exchange);
  }

  #onAnswered({ answer, body }: Exchange): void {
    this.#exchange = undefined;
    if (this.#socket.destroyed) return;
    if (answer.isLast || !body.isComplete || this.#isDeaf || this.#context.isDraining()) {
      this.#isDeaf = true;
      this.#socket.destroySoon();
      return;
    }
    this.#awaits = 'next head';
    this.#sinceMs = this.#context.elapsedMs();
    if (this.#socket.isPaused()) this.#socket.resume();
    if (this.#unread !== undefined || this.#isHalf) this.#readHead();
  }

  #refuse(error: unknown): void {
    this.#isDeaf = true;
    this.#unread = undefined;
    const socket = this.#socket;
    const timer = setTimeout(() => socket.destroy(), REFUSAL_LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
    socket.end(this.#context.refuse(error instanceof S3Error ? error : new S3Error('BadRequest', { cause: error })));
  }
}

/** What came before a head and is no part of it: a client may send an empty line after its last body. */
function withoutEmptyLines(bytes: Buffer | undefined): Buffer | undefined {
  if (bytes === undefined) return undefined;
  let start = 0;
  while (bytes[start] === CARRIAGE_RETURN && bytes[start + 1] === LINE_FEED) start += 2;
  return start === bytes.length ? undefined : bytes.subarray(start);
}

/** What came after a head, which is read no more. */
function afterHead(bytes: Buffer, end: number): Buffer {
  return freeOnReturn(bytes.subarray(end + HEAD_END.length), bytes);
}

/** Throws for bytes, new from `from` on, that no head begins with, TLS or another protocol: its end may never come. */
function requireLines(bytes: Buffer, from: number): void {
  if (from === 0 && !mayBeginHead(bytes[0] ?? 0)) {
    throw malformed('It begins with a method. To ports without TLS, https is another language.');
  }
  for (let end = bytes.indexOf(LINE_FEED, from); end !== -1; end = bytes.indexOf(LINE_FEED, end + 1)) {
    if (bytes[end - 1] !== CARRIAGE_RETURN) throw malformed('Each line of its head ends with CR and LF.');
    const isFirst = bytes.lastIndexOf(LINE_FEED, end - 1) === -1;
    if (isFirst) parseRequestLine(bytes.toString('latin1', 0, end - 1));
  }
}
