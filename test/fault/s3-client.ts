import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { encodePath, type KeyPair, queryText, signByHeader, UNSIGNED } from '../support/sign.ts';
import type { Content } from './content.ts';

/** A server that leaves a client alone for so long hangs, in milliseconds. */
const SILENCE_MS_MAX = 60_000;

export interface S3Endpoint {
  readonly host: string;
  readonly port: number;
  readonly keys: KeyPair;
  /** What its clock is ahead of ours, in milliseconds: requests must be signed at its time. */
  readonly skewMs?: number;
  /**
   * Parts of the server may fail: an answer of 500 or more is then no answer, as it leaves open what became of the
   * request.
   */
  readonly mayFail?: boolean;
  /** Told of every answer, `undefined` for none. */
  readonly onAnswer?: (call: S3Call, answer: S3Answer | undefined) => void;
}

export interface S3Call {
  readonly method: string;
  /** Not encoded. */
  readonly path: string;
  readonly query?: readonly (readonly [string, string])[];
  readonly headers?: Readonly<Record<string, string>>;
  /** `range`: only these bytes of it. */
  readonly body?: string | { readonly content: Content; readonly range?: readonly [start: number, end: number] };
  /** Compared with the body of a success as it comes, which is then not kept. */
  readonly expected?: Content;
}

export interface S3Answer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly bytes: Buffer;
  /** The code of an error, such as `NoSuchKey`; empty for a success. */
  readonly code: string;
}

/** One client with one connection at a time, which is opened again when the server has closed it. */
export class S3Client implements Disposable {
  readonly #endpoint: S3Endpoint;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(endpoint: S3Endpoint) {
    this.#endpoint = endpoint;
  }

  /**
   * `undefined` where the connection ended without a whole answer. Throws `NoServerError`, in which case nothing was
   * sent, and where nothing comes for a minute.
   */
  async send(call: S3Call): Promise<S3Answer | undefined> {
    const { onAnswer, mayFail = false } = this.#endpoint;
    const answer = await this.#send(call);
    onAnswer?.(call, answer);
    return mayFail && answer !== undefined && answer.status >= 500 ? undefined : answer;
  }

  async #send(call: S3Call): Promise<S3Answer | undefined> {
    const sent = openRequest(this.#endpoint, call, this.#agent);
    let isSilent = false;
    sent.setTimeout(SILENCE_MS_MAX, () => {
      isSilent = true;
      sent.destroy();
    });
    try {
      const answered = once(sent, 'response');
      // The answer may come before the body has gone, and the connection end then: the answer counts.
      const writing = writeBody(sent, call).catch(() => undefined);
      const [response] = await answered;
      const answer = await readAnswer(response, call);
      if (answer.status < 300) await writing;
      else sent.destroy();
      return answer;
    } catch (error) {
      if (isSilent)
        throw new Error(`${call.method} ${call.path} was not answered in ${SILENCE_MS_MAX} ms.`, { cause: error });
      if (error instanceof WrongBytesError) throw error;
      if (isRefused(error)) throw new NoServerError('Nobody accepts connections.', { cause: error });
      return undefined;
    }
  }

  /** The same, of a server that must answer. Throws where it does not. */
  async ask(call: S3Call): Promise<S3Answer> {
    const answer = await this.send(call);
    if (answer === undefined) throw new Error(`The connection ended before ${call.method} ${call.path} was answered.`);
    return answer;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/** A signed request whose body is the caller's to write; on a connection of its own, unless an agent has one. */
export function openRequest(endpoint: S3Endpoint, call: S3Call, agent: Agent | false = false): ClientRequest {
  const { host, port, keys, skewMs = 0 } = endpoint;
  const { method, path, query = [], headers = {}, body } = call;
  const encoded = encodePath(path);
  const signable = { method, path: encoded, query, headers: { host: `${host}:${port}`, ...headers } };
  const signed = signByHeader(signable, UNSIGNED, { keys, atMs: Date.now() + skewMs });
  const target = query.length === 0 ? encoded : `${encoded}?${queryText(query)}`;
  const length = { 'content-length': String(lengthOf(body)) };
  return request({ host, port, method, path: target, agent, headers: { ...signed.headers, ...length } });
}

/** Nobody listens: the request was not sent. */
export class NoServerError extends Error {
  override readonly name = 'NoServerError';
}

function isRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
}

/** The server sent bytes that are not those of the object. */
export class WrongBytesError extends Error {
  override readonly name = 'WrongBytesError';
}

function lengthOf(body: S3Call['body']): number {
  if (body === undefined) return 0;
  if (typeof body === 'string') return Buffer.byteLength(body);
  const [start, end] = body.range ?? [0, body.content.sizeBytes];
  return end - start;
}

async function writeBody(sent: ClientRequest, { body }: S3Call): Promise<void> {
  const closed = new Promise<void>((resolve) => sent.once('close', resolve));
  if (typeof body === 'string') {
    sent.write(body);
  } else if (body !== undefined) {
    for (const piece of body.content.pieces(...(body.range ?? []))) {
      if (sent.destroyed) return;
      if (!sent.write(piece)) await Promise.race([once(sent, 'drain'), closed]);
    }
  }
  sent.end();
}

async function readAnswer(response: IncomingMessage, { expected, path }: S3Call): Promise<S3Answer> {
  const status = response.statusCode ?? 0;
  const pieces: Buffer[] = [];
  let receivedBytes = 0;
  for await (const piece of response) {
    if (!Buffer.isBuffer(piece)) continue;
    if (expected === undefined || status >= 300) {
      pieces.push(piece);
    } else if (!expected.has(piece, receivedBytes)) {
      throw new WrongBytesError(`${path} has wrong bytes within the ${piece.length} after byte ${receivedBytes}.`);
    }
    receivedBytes += piece.length;
  }
  if (expected !== undefined && status < 300 && receivedBytes !== expected.sizeBytes) {
    throw new WrongBytesError(`${path} has ${receivedBytes} bytes, not ${expected.sizeBytes}.`);
  }
  const bytes = Buffer.concat(pieces);
  const text = bytes.length <= TEXT_BYTES_MAX ? bytes.toString() : '';
  return { status, headers: response.headers, text, bytes, code: /<Error><Code>(\w+)</.exec(text)?.[1] ?? '' };
}

/** Longest body that is offered as text, in bytes; longer ones are objects. */
const TEXT_BYTES_MAX = 4 * 1024 * 1024;
