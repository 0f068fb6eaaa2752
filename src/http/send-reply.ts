import type { Reply, ReplyBody, ReplyHeader } from '../operations/reply.ts';
import { returnerOf, returnPiece } from '../stores/lent-pieces.ts';
import type { HttpLimits } from './limits.ts';
import type { Exchange } from './listener.ts';

/** How much of a body may wait for its connection before more is read, in bytes. */
const UNSENT_BYTES_MAX = 512 * 1024;

export interface SendContext {
  readonly exchange: Exchange;
  readonly method: string;
  readonly limits: Pick<HttpLimits, 'sendTimeoutMs'>;
  /** Sent with every answer: names and values by turns. */
  readonly commonHeaders: readonly string[];
  /** What to answer instead, where a body fails before its first byte. */
  readonly onFailure: (error: unknown) => Reply;
}

export interface SentReply {
  readonly status: number;
  /** Bytes of the body. */
  readonly sentBytes: number;
  /** Why the connection was cut before the body was whole. */
  readonly cutBy: unknown;
}

type StreamBody = ReplyBody & { readonly kind: 'stream' };

/**
 * Sends one answer at the client's pace.
 *
 * A body whose stream fails, or is longer or shorter than it said, ends with its connection: a client never takes a
 * part for the whole. What fails before the head is sent becomes an answer of its own. Resolves once the answer was
 * handed to the connection; never rejects.
 */
export async function sendReply(reply: Reply, context: SendContext): Promise<SentReply> {
  try {
    return await send(reply, context);
  } catch (error) {
    if (context.exchange.response.headersSent) return cut(reply, context, { sentBytes: 0, cutBy: error });
    const failure = context.onFailure(error);
    try {
      return await send(failure, context);
    } catch (cutBy) {
      return cut(failure, context, { sentBytes: 0, cutBy });
    }
  }
}

async function send(reply: Reply, context: SendContext): Promise<SentReply> {
  const { body } = reply;
  if (body.kind === 'stream' && context.method !== 'HEAD') return sendStream(reply, body, context);
  return sendWhole(reply, context);
}

function cut({ status }: Reply, { exchange }: SendContext, sent: Omit<SentReply, 'status'>): SentReply {
  exchange.response.destroy();
  return { status, ...sent };
}

async function sendWhole(reply: Reply, context: SendContext): Promise<SentReply> {
  const { response, body } = context.exchange;
  const bytes = context.method === 'HEAD' ? undefined : wholeBody(reply.body);
  writeHead(reply, bytes?.length, context);
  if (body.isComplete) {
    response.end(bytes, bytes && returnerOf(bytes));
  } else {
    if (bytes === undefined || bytes.length === 0) response.flushHeaders();
    else response.write(bytes);
    await drainAndEnd(context);
  }
  return { status: reply.status, sentBytes: bytes?.length ?? 0, cutBy: undefined };
}

async function sendStream(reply: Reply, body: StreamBody, context: SendContext): Promise<SentReply> {
  const { response, signal } = context.exchange;
  const chunks = body.stream[Symbol.asyncIterator]();
  let sentBytes = 0;
  try {
    let step = await chunks.next();
    writeHead(reply, body.sizeBytes, context);
    while (step.done !== true) {
      const chunk = step.value;
      if (sentBytes + chunk.length > body.sizeBytes)
        throw new RangeError(`The body is longer than ${body.sizeBytes} bytes.`);
      signal.throwIfAborted();
      sentBytes += chunk.length;
      const isTaken = response.write(chunk, (failure) => failure ?? returnPiece(chunk));
      if (!isTaken && response.writableLength > UNSENT_BYTES_MAX) await drained(context);
      step = await chunks.next();
    }
    if (sentBytes < body.sizeBytes)
      throw new RangeError(`The body ended after ${sentBytes} of ${body.sizeBytes} bytes.`);
    // Only here is a client noticed that takes nothing of what is left.
    if (response.writableNeedDrain) await drained(context);
  } catch (error) {
    await chunks.return?.();
    if (!response.headersSent) throw error;
    return cut(reply, context, { sentBytes, cutBy: error });
  }
  await drainAndEnd(context);
  return { status: reply.status, sentBytes, cutBy: undefined };
}

/** Ends an answer that the client has, whole, once what is left of the request is out of the way. */
async function drainAndEnd({ exchange }: SendContext): Promise<void> {
  const { body, response } = exchange;
  const { socket } = response;
  const isDrained = body.isComplete || (await body.drain());
  response.end();
  if (!isDrained) socket?.destroySoon();
}

/** `undefined` where the answer has no body of its own: HEAD. */
function wholeBody(body: ReplyBody): Uint8Array | undefined {
  switch (body.kind) {
    case 'none':
    case 'stream':
    case 'head':
      return undefined;
    case 'xml':
      return Buffer.from(body.text);
    case 'bytes':
      return body.bytes;
  }
}

function writeHead(reply: Reply, bodyBytes: number | undefined, context: SendContext): void {
  const { response, body, isLast } = context.exchange;
  const headers = [...context.commonHeaders];
  for (const [name, value] of reply.headers) headers.push(name, value);
  if (reply.body.kind === 'xml' && !reply.headers.some(isContentType)) headers.push('Content-Type', 'application/xml');
  const length = reply.body.kind === 'head' || reply.body.kind === 'stream' ? reply.body.sizeBytes : bodyBytes;
  if (length !== undefined) headers.push('Content-Length', String(length));
  else if (reply.status !== 204 && reply.status !== 304 && context.method !== 'HEAD')
    headers.push('Content-Length', '0');
  if (isLast || !body.isDrainable) headers.push('Connection', 'close');
  response.writeHead(reply.status, headers);
}

function isContentType([name]: ReplyHeader): boolean {
  return name.toLowerCase() === 'content-type';
}

/** Waits until the client has taken what is buffered; a client that takes nothing for `sendTimeoutMs` loses its connection. */
async function drained({ exchange, limits }: SendContext): Promise<void> {
  const { response, signal } = exchange;
  const { socket } = response;
  socket?.setTimeout(limits.sendTimeoutMs);
  await new Promise<void>((resolve, reject) => {
    const settle = () => {
      response.off('drain', settle);
      signal.removeEventListener('abort', settle);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    };
    response.on('drain', settle);
    signal.addEventListener('abort', settle);
  });
  socket?.setTimeout(0);
}
