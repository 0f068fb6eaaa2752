import type { Reply, ReplyBody, ReplyHeader } from '../operations/reply.ts';
import type { HttpLimits } from './limits.ts';
import type { Exchange } from './wire/connection.ts';

/** How much of a body may wait for its connection before more is read, in bytes. */
const UNSENT_BYTES_MAX = 512 * 1024;

export interface SendContext {
  readonly exchange: Exchange;
  readonly limits: Pick<HttpLimits, 'sendTimeoutMs' | 'keepAliveTimeoutMs'>;
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
    if (context.exchange.answer.isBegun) return cut(reply, context, { sentBytes: 0, cutBy: error });
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
  if (body.kind === 'stream' && context.exchange.head.method !== 'HEAD') return sendStream(reply, body, context);
  return sendWhole(reply, context);
}

function cut({ status }: Reply, { exchange }: SendContext, sent: Omit<SentReply, 'status'>): SentReply {
  exchange.answer.destroy();
  return { status, ...sent };
}

async function sendWhole(reply: Reply, context: SendContext): Promise<SentReply> {
  const { answer, body } = context.exchange;
  const bytes = context.exchange.head.method === 'HEAD' ? undefined : wholeBody(reply.body);
  begin(reply, bytes?.length, context);
  if (bytes === undefined) answer.flush();
  else answer.write(bytes);
  if (!body.isComplete) await body.drain();
  return { status: reply.status, sentBytes: bytes?.length ?? 0, cutBy: undefined };
}

async function sendStream(reply: Reply, body: StreamBody, context: SendContext): Promise<SentReply> {
  const { exchange, limits } = context;
  const { answer } = exchange;
  const patience = { signal: exchange.signal, timeoutMs: limits.sendTimeoutMs };
  const chunks = body.stream[Symbol.asyncIterator]();
  let sentBytes = 0;
  try {
    let step = await chunks.next();
    begin(reply, body.sizeBytes, context);
    while (step.done !== true) {
      const chunk = step.value;
      if (sentBytes + chunk.length > body.sizeBytes)
        throw new RangeError(`The body is longer than ${body.sizeBytes} bytes.`);
      exchange.requireClient();
      sentBytes += chunk.length;
      answer.write(chunk);
      if (answer.unsentBytes > UNSENT_BYTES_MAX) await answer.drained(patience);
      step = await chunks.next();
    }
    if (sentBytes < body.sizeBytes)
      throw new RangeError(`The body ended after ${sentBytes} of ${body.sizeBytes} bytes.`);
    answer.flush();
    // Only here is a client noticed that takes nothing of what is left.
    if (answer.needsDrain) await answer.drained(patience);
  } catch (error) {
    await chunks.return?.();
    if (!answer.isBegun) throw error;
    return cut(reply, context, { sentBytes, cutBy: error });
  }
  if (!exchange.body.isComplete) await exchange.body.drain();
  return { status: reply.status, sentBytes, cutBy: undefined };
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

function begin(reply: Reply, bodyBytes: number | undefined, context: SendContext): void {
  const { answer, isLast } = context.exchange;
  const headers = [...context.commonHeaders];
  for (const [name, value] of reply.headers) headers.push(name, value);
  if (reply.body.kind === 'xml' && !reply.headers.some(isContentType)) headers.push('Content-Type', 'application/xml');
  const length = reply.body.kind === 'head' || reply.body.kind === 'stream' ? reply.body.sizeBytes : bodyBytes;
  if (length !== undefined) headers.push('Content-Length', String(length));
  else if (reply.status !== 204 && reply.status !== 304 && context.exchange.head.method !== 'HEAD')
    headers.push('Content-Length', '0');
  if (isLast) headers.push('Connection', 'close');
  else headers.push('Connection', 'keep-alive', 'Keep-Alive', `timeout=${context.limits.keepAliveTimeoutMs / 1000}`);
  answer.begin({ status: reply.status, headers, isLast });
}

function isContentType([name]: ReplyHeader): boolean {
  return name.toLowerCase() === 'content-type';
}
