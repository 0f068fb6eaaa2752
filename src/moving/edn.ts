/** A value in the notation of Clojure, as far as Pithos 0.7 wrote it. */
export type Edn =
  | { readonly kind: 'nil' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'keyword'; readonly name: string }
  | { readonly kind: 'sequence' | 'set'; readonly items: readonly Edn[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [key: Edn, value: Edn])[] };

/** A text that is none, or is larger than anything that Pithos 0.7 wrote. */
export class EdnError extends Error {
  override readonly name = 'EdnError';
}

/** Longest text, in UTF-16 units, deepest nesting, and most values of one text. */
const TEXT_LENGTH_MAX = 1024 ** 2;
const DEPTH_MAX = 16;
const VALUES_MAX = 100_000;

/** Commas are white space. */
const SPACE = /[\s,]*/y;
const TOKEN =
  /(?<string>"[^"\\]*(?:\\.[^"\\]*)*")|(?<open>#?\{|\[|\()|(?<close>[\])}])|:(?<keyword>[\w*+!?<>=.$%&|/-]+)|(?<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[NM]?)|(?<symbol>[a-z]+)/sy;
const AFTER_ATOM = /$|[\s,"()[\]{}]/y;
const ESCAPE = /\\(?:u(?<unit>[\dA-Fa-f]{4})|(?<letter>.))/gs;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
};
const CLOSES: Readonly<Record<string, string>> = { '{': '}', '#{': '}', '[': ']', '(': ')' };

/**
 * The one value in `text`: maps, sets, vectors, lists, strings, keywords, numbers, booleans and nil. Nothing is ever
 * evaluated. Throws `EdnError` for anything else.
 * Source: https://github.com/edn-format/edn
 */
export function readEdn(text: string): Edn {
  if (text.length > TEXT_LENGTH_MAX) throw new EdnError(`The text is longer than ${TEXT_LENGTH_MAX} characters.`);
  const reader = new Reader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

class Reader {
  readonly #text: string;
  #at = 0;
  #values = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): Edn {
    this.#values++;
    if (this.#values > VALUES_MAX) throw new EdnError(`There are more than ${VALUES_MAX} values.`);
    const { string, open, keyword, number, symbol } = this.#token();
    if (string !== undefined) return { kind: 'string', text: string.slice(1, -1).replaceAll(ESCAPE, this.#unescape) };
    if (open !== undefined) return this.#collection(open, depth + 1);
    this.#endOfAtom();
    if (keyword !== undefined) return { kind: 'keyword', name: keyword };
    if (number !== undefined) return { kind: 'number', value: Number(number.replace(/[NM]$/, '')) };
    if (symbol === 'nil') return { kind: 'nil' };
    if (symbol === 'true' || symbol === 'false') return { kind: 'boolean', value: symbol === 'true' };
    throw this.#unexpected();
  }

  end(): void {
    this.#match(SPACE);
    if (this.#at < this.#text.length) throw this.#unexpected();
  }

  #collection(open: string, depth: number): Edn {
    if (depth > DEPTH_MAX) throw new EdnError(`The values are nested more than ${DEPTH_MAX} deep.`);
    const items: Edn[] = [];
    while (!this.#closes(CLOSES[open] ?? '')) items.push(this.value(depth));
    if (open === '#{') return { kind: 'set', items };
    if (open !== '{') return { kind: 'sequence', items };
    if (items.length % 2 !== 0) throw new EdnError('A map has a key without a value.');
    const entries = items.flatMap((key, index): [Edn, Edn][] => {
      const value = items[index + 1];
      return index % 2 === 0 && value !== undefined ? [[key, value]] : [];
    });
    return { kind: 'map', entries };
  }

  #closes(close: string): boolean {
    this.#match(SPACE);
    if (this.#text[this.#at] !== close) return false;
    this.#at++;
    return true;
  }

  #token(): Readonly<Record<string, string | undefined>> {
    this.#match(SPACE);
    const found = this.#match(TOKEN)?.groups;
    if (found === undefined) throw this.#unexpected();
    return found;
  }

  #endOfAtom(): void {
    AFTER_ATOM.lastIndex = this.#at;
    if (!AFTER_ATOM.test(this.#text)) throw this.#unexpected();
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found !== null) this.#at = pattern.lastIndex;
    return found;
  }

  readonly #unescape = (_: string, unit: string | undefined, letter: string | undefined): string => {
    if (unit !== undefined) return String.fromCharCode(Number.parseInt(unit, 16));
    const meant = ESCAPES[letter ?? ''];
    if (meant === undefined) throw new EdnError(`A string has the unknown escape \\${letter}.`);
    return meant;
  };

  #unexpected(): EdnError {
    return new EdnError(`The text is no EDN at character ${this.#at + 1} of ${this.#text.length}.`);
  }
}
