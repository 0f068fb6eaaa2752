import { createHash } from 'node:crypto';
import { Connection } from '../../src/bench/connection.ts';
import { type KeyPair, sha256, signByHeader } from '../support/sign.ts';
import { ABSENT, type Expectation, type Response, type Value } from './history.ts';
import type { Subject } from './workload.ts';

const KEY_AND_ETAG = /<Key>([^<]+)<\/Key>.*?<ETag>(?:&quot;|")?([0-9a-f]{32})/g;
const ETAG_HEADER = /\r\netag: *"([0-9a-f]{32})"/i;

export interface S3Target {
  readonly host: string;
  readonly port: number;
  readonly bucket: string;
  readonly keys: KeyPair;
  /** What its clock is ahead of ours, in milliseconds: requests must be signed at its time. */
  readonly skewMs?: number;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly query?: readonly (readonly [string, string])[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/**
 * One client of a server over one connection, opened again when the server closed it, as the subject of a history.
 * A request without an answer, and any 5xx, leave open whether the write took effect.
 */
export class S3Subject implements Subject, Disposable {
  readonly #target: S3Target;
  /** Bytes of every body: more than the inline threshold where blobs are to be written. */
  readonly #bodyBytes: number;
  #connection: Connection | undefined;

  constructor(target: S3Target, bodyBytes = 64) {
    this.#target = target;
    this.#bodyBytes = bodyBytes;
  }

  async get(key: string): Promise<Response> {
    const answer = await this.#call({ method: 'GET', path: this.#path(key) });
    if (answer === undefined || answer.status >= 500) return { kind: 'in-doubt' };
    if (answer.status === 404) return { kind: 'value', value: ABSENT };
    if (answer.status !== 200) throw new Error(`GET was answered: ${answer.head}`);
    const value = ETAG_HEADER.exec(answer.head)?.[1] ?? '';
    const md5 = createHash('md5').update(answer.body).digest('hex');
    if (md5 !== value) throw new Error(`GET of ${key} gave bytes of MD5 ${md5} under the ETag ${value}.`);
    return { kind: 'value', value };
  }

  async put(
    key: string,
    { seed, expected }: { seed: string; expected: Expectation | undefined },
  ): Promise<{ value: Value; response: Response }> {
    const body = Buffer.alloc(this.#bodyBytes, `${key} ${seed} `);
    const value = createHash('md5').update(body).digest('hex');
    const call = { method: 'PUT', path: this.#path(key), headers: conditionHeaders(expected), body };
    return { value, response: await this.#write(call) };
  }

  delete(key: string, expected: Expectation | undefined): Promise<Response> {
    return this.#write({ method: 'DELETE', path: this.#path(key), headers: conditionHeaders(expected) });
  }

  async list(): Promise<ReadonlyMap<string, Value> | undefined> {
    const answer = await this.#call({ method: 'GET', path: `/${this.#target.bucket}`, query: [['list-type', '2']] });
    if (answer?.status !== 200) return undefined;
    const rows = answer.body.toString().matchAll(KEY_AND_ETAG);
    return new Map([...rows].map(([, key = '', etag = '']) => [key, etag]));
  }

  [Symbol.dispose](): void {
    this.#connection?.close();
  }

  async #write(call: Call): Promise<Response> {
    const answer = await this.#call(call);
    if (answer === undefined || answer.status >= 500 || answer.status === 409) return { kind: 'in-doubt' };
    if (answer.status === 200 || answer.status === 204) return { kind: 'done' };
    if (answer.status === 412 || answer.status === 404) return { kind: 'refused' };
    throw new Error(`${call.method} was answered: ${answer.head} ${answer.body.toString()}`);
  }

  /** `undefined` where no answer came. */
  async #call({ method, path, query = [], headers = {}, body = Buffer.alloc(0) }: Call) {
    const { host, port, keys, skewMs = 0 } = this.#target;
    const signable = { method, path, query, headers: { host: `${host}:${port}`, ...headers } };
    const signed = signByHeader(signable, sha256(body), { keys, atMs: Date.now() + skewMs });
    const search = query.map(([name, value]) => `${name}=${value}`).join('&');
    const lines = Object.entries({ ...signed.headers, 'content-length': String(body.length) });
    const target = search === '' ? path : `${path}?${search}`;
    const head = `${method} ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
    try {
      this.#connection ??= await Connection.open({ host, port });
      return await this.#connection.send([Buffer.from(head), body]);
    } catch {
      this.#connection?.close();
      this.#connection = undefined;
      return undefined;
    }
  }

  #path(key: string): string {
    return `/${this.#target.bucket}/${key}`;
  }
}

function conditionHeaders(expected: Expectation | undefined): Record<string, string> {
  if (expected === undefined) return {};
  return expected.kind === 'absent' ? { 'if-none-match': '*' } : { 'if-match': `"${expected.value}"` };
}
