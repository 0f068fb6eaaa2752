import { RawConnection, type RawResponse, requestBytes } from '../support/raw-http.ts';
import { type SignableRequest, sha256, signByHeader } from '../support/sign.ts';
import type { TestServer } from '../support/start-server.ts';

export interface SignedRequest {
  readonly method: string;
  readonly path: string;
  readonly query?: NonNullable<SignableRequest['query']>;
  /** Texts go out as UTF-8, bytes as they are. */
  readonly headers?: Readonly<Record<string, string | Uint8Array>>;
  readonly body?: Uint8Array;
}

/** Sends one request that the SDK cannot be brought to send, signed as it should be. */
export async function sendSigned(server: TestServer, request: SignedRequest): Promise<RawResponse> {
  const { method, path, query = [], headers = {}, body = Buffer.alloc(0) } = request;
  const { host, port } = new URL(server.endpoint);
  const inBytes = Object.entries(headers).map(([name, value]) => [name, Buffer.from(value).toString('latin1')]);
  const plain = { host, 'content-length': String(body.length), ...Object.fromEntries(inBytes) };
  const signable = { method, path, query, headers: plain };
  const context = { keys: server.credentials, atMs: Date.now(), region: server.region };
  const signed = signByHeader(signable, sha256(body), context).headers;
  const text = query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&');
  using connection = await RawConnection.open(Number(port));
  connection.send(requestBytes(`${method} ${text === '' ? path : `${path}?${text}`}`, signed, body));
  return await connection.response(method);
}
