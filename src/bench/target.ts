import { canonicalQuery, type EndpointKey, encodePath, signingHeaders } from '../s3-client/sign-request.ts';
import { parseXml, XmlError } from '../xml/parse.ts';
import type { Answer } from './answer-reader.ts';
import { Connection } from './connection.ts';

/** Up to here a body goes into one buffer with its head, in bytes: one write less, and little to copy. */
const JOINED_BYTES_MAX = 16 * 1024;
/** Longest message of a server that is passed on, in UTF-16 units. */
const MESSAGE_UNITS_MAX = 300;
const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** A server under measurement. */
export interface Target {
  readonly name: string;
  /** `http:` or `https:`; a path comes before those of buckets. */
  readonly url: URL;
  readonly region: string;
  readonly key: EndpointKey;
  /** The process on this machine whose tree is the server; `undefined` where its CPU cannot be measured. */
  readonly pid: number | undefined;
  /** Its data go with it: nothing needs to be deleted. */
  readonly isTemporary: boolean;
}

/** A server did not answer as S3 does, or not at all: in a sentence for the user. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
  readonly kind: 'wrong-answer' | 'unreachable';

  constructor(message: string, { kind, cause }: { readonly kind: TargetError['kind']; readonly cause?: unknown }) {
    super(message, { cause });
    this.kind = kind;
  }
}

export interface TargetRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly bucket: string;
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Beside those that every request has; they are not signed. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: { readonly bytes: Uint8Array; readonly sha256: string };
}

/** A request that was made and signed before it is measured; its signature holds for 15 minutes. */
export interface PreparedRequest {
  readonly parts: readonly Uint8Array[];
  /** Method and path, for messages. */
  readonly label: string;
}

/** Signs a request by SigV4, its body included. */
export function prepareRequest(target: Target, request: TargetRequest, atMs: number): PreparedRequest {
  const { method, bucket, key, body } = request;
  const { url, region } = target;
  const base = `${url.pathname.replace(/\/$/, '')}/${bucket}`;
  const path = key === undefined ? base : `${base}/${encodePath(key)}`;
  const query = canonicalQuery(request.query ?? {});
  const signed = signingHeaders(
    { method, path, query, host: url.host, bodySha256: body?.sha256 },
    { key: target.key, region, atMs },
  );
  const headers = { ...signed, ...request.headers, 'content-length': `${body?.bytes.length ?? 0}` };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const wire = query === '' ? path : `${path}?${query}`;
  const head = Buffer.from(`${method} ${wire} HTTP/1.1\r\n${lines.join('')}\r\n`);
  return { parts: joined(head, body?.bytes), label: `${method} ${wire}` };
}

export interface Exchange {
  readonly request: PreparedRequest;
  readonly status: number;
  /** What the body must be, byte for byte. */
  readonly expected?: Uint8Array | undefined;
}

/** Sends a request and waits for its answer. Throws `TargetError` where it has another status or body. */
export async function exchange(
  connection: Connection,
  target: Target,
  { request, status, expected }: Exchange,
): Promise<Answer> {
  let answer: Answer;
  try {
    answer = await connection.send(request.parts, expected);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TargetError(`${target.name} did not answer ${request.label} rightly: ${reason}`, {
      kind: 'wrong-answer',
      cause,
    });
  }
  if (answer.status !== status) {
    throw new TargetError(
      `${target.name} answered ${answer.status} to ${request.label}, not ${status}${said(answer)}`,
      {
        kind: 'wrong-answer',
      },
    );
  }
  return answer;
}

/** Connects to a target. Throws `TargetError`. */
export async function connectTo({ name, url }: Target): Promise<Connection> {
  const host = url.hostname.replaceAll(/^\[|\]$/g, '');
  const port = url.port === '' ? (PORTS[url.protocol] ?? 0) : Number(url.port);
  try {
    return await Connection.open({ host, port, isTls: url.protocol === 'https:' });
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? cause.code : cause;
    throw new TargetError(`${name} cannot be reached at ${url.origin}: ${reason}.`, { kind: 'unreachable', cause });
  }
}

function joined(head: Buffer, body: Uint8Array | undefined): readonly Uint8Array[] {
  if (body === undefined) return [head];
  return body.length <= JOINED_BYTES_MAX ? [Buffer.concat([head, body])] : [head, body];
}

/** Code and message of an error, where the server said them. */
function said({ body }: Answer): string {
  try {
    const { children } = parseXml(body);
    const textOf = (name: string) => children.find((child) => child.name === name)?.text ?? '';
    return `: ${textOf('Code')}: ${textOf('Message')}`.slice(0, MESSAGE_UNITS_MAX);
  } catch (error) {
    // A proxy between may answer with a page.
    if (!(error instanceof XmlError)) throw error;
    return '.';
  }
}
