import { headerBytes, headerText } from '../operations/headers/header-text.ts';
import type { HeaderMap, ParameterMap } from '../operations/request.ts';

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
 * The headers of a request. Each byte of a value comes as one character; signatures are computed of those
 * bytes (`raw`), operations see text (`get`). Repeated headers are joined by commas, as signatures have them.
 */
export class RequestHeaders implements HeaderMap {
  /** Names and values by turns, as they came. */
  readonly #rawHeaders: readonly string[];
  readonly #raw = new Map<string, string>();

  /** `rawHeaders`: names and values by turns. */
  constructor(rawHeaders: readonly string[]) {
    this.#rawHeaders = rawHeaders;
    const raw = this.#raw;
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      const name = (rawHeaders[index] ?? '').toLowerCase();
      const value = rawHeaders[index + 1] ?? '';
      const earlier = raw.get(name);
      raw.set(name, earlier === undefined ? value : `${earlier},${value}`);
    }
  }

  /** The bytes of a value, one character each. */
  raw(name: string): string | undefined {
    return this.#raw.get(name);
  }

  get(name: string): string | undefined {
    const value = this.#raw.get(name);
    return value === undefined ? undefined : headerText(value);
  }

  has(name: string): boolean {
    return this.#raw.has(name);
  }

  names(): Iterable<string> {
    return this.#raw.keys();
  }

  /** These headers with those of `changes` set (as text) in place of what they were, or taken away. */
  with(changes: ReadonlyMap<string, string | undefined>): RequestHeaders {
    const rawHeaders = this.#rawHeaders.filter((_, index) => {
      const name = this.#rawHeaders[index - (index % 2)] ?? '';
      return !changes.has(name.toLowerCase());
    });
    for (const [name, text] of changes) {
      if (text !== undefined) rawHeaders.push(name, headerBytes(text));
    }
    return new RequestHeaders(rawHeaders);
  }
}
