import type { HeaderMap, ParameterMap } from '../operations/request.ts';

const NON_ASCII = /[\u0080-\uffff]/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The query of a request, percent-decoded: every pair in the order sent. */
export class QueryParameters implements ParameterMap {
  readonly pairs: readonly QueryPair[];
  readonly #first = new Map<string, string>();

  constructor(pairs: readonly QueryPair[]) {
    this.pairs = pairs;
    for (const [name, value] of pairs) {
      if (!this.#first.has(name)) this.#first.set(name, value);
    }
  }

  get(name: string): string | undefined {
    return this.#first.get(name);
  }

  has(name: string): boolean {
    return this.#first.has(name);
  }

  names(): Iterable<string> {
    return this.#first.keys();
  }

  get isEmpty(): boolean {
    return this.pairs.length === 0;
  }
}

export type QueryPair = readonly [name: string, value: string];

/**
 * The headers of a request. Node hands each byte of a value over as one character; signatures are computed of those
 * bytes (`raw`), operations see text (`get`). Repeated headers are joined by commas, as signatures have them.
 */
export class RequestHeaders implements HeaderMap {
  readonly #raw: ReadonlyMap<string, string>;
  readonly #entries: readonly (readonly [name: string, value: string])[];

  private constructor(entries: readonly (readonly [name: string, value: string])[]) {
    const raw = new Map<string, string>();
    for (const [name, value] of entries) {
      const earlier = raw.get(name);
      raw.set(name, earlier === undefined ? value : `${earlier},${value}`);
    }
    this.#raw = raw;
    this.#entries = entries;
  }

  /** `rawHeaders` as node:http has them: names and values by turns. */
  static fromRaw(rawHeaders: readonly string[]): RequestHeaders {
    const entries: (readonly [string, string])[] = [];
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      entries.push([(rawHeaders[index] ?? '').toLowerCase(), rawHeaders[index + 1] ?? '']);
    }
    return new RequestHeaders(entries);
  }

  /** The bytes of a value, one character each. */
  raw(name: string): string | undefined {
    return this.#raw.get(name);
  }

  get(name: string): string | undefined {
    const value = this.#raw.get(name);
    return value === undefined ? undefined : decodeText(value);
  }

  has(name: string): boolean {
    return this.#raw.has(name);
  }

  /** How many headers have this name. */
  count(name: string): number {
    return this.#entries.reduce((sum, [entry]) => (entry === name ? sum + 1 : sum), 0);
  }

  names(): Iterable<string> {
    return this.#raw.keys();
  }

  *entries(): Iterable<readonly [name: string, value: string]> {
    for (const [name, value] of this.#entries) yield [name, decodeText(value)];
  }

  /** These headers with those of `changes` set (as text) in place of what they were, or taken away. */
  with(changes: ReadonlyMap<string, string | undefined>): RequestHeaders {
    const entries = this.#entries.filter(([name]) => !changes.has(name));
    for (const [name, text] of changes) {
      if (text !== undefined) entries.push([name, encodeText(text)]);
    }
    return new RequestHeaders(entries);
  }
}

/** Text as header bytes: UTF-8, one character a byte. */
export function encodeText(text: string): string {
  return NON_ASCII.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

/** Header bytes as text: UTF-8 where they are that, Latin-1 otherwise. */
function decodeText(raw: string): string {
  if (!NON_ASCII.test(raw)) return raw;
  try {
    return utf8.decode(Buffer.from(raw, 'latin1'));
  } catch {
    return raw;
  }
}
