import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import type { Tree } from './tree.ts';

/** Largest configuration file, in characters. */
const TEXT_MAX = 1024 ** 2;
/** Deepest nesting that is read. */
const DEPTH_MAX = 16;
/** Most values in one file, those behind aliases counted each time. */
const VALUES_MAX = 100_000;
/** Most problems that are told of one file. */
const PROBLEMS_MAX = 100;

export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

export interface YamlTree {
  readonly tree: Tree;
  /** Where a value stands, and where its key does. */
  readonly positionOf: (
    path: readonly PropertyKey[],
  ) => { readonly value: Position; readonly key: Position } | undefined;
  readonly problems: readonly { readonly at: Position; readonly message: string }[];
}

/**
 * Reads YAML without giving its scalars types, so that a secret of digits or an access key such as `1e5` stays what it
 * is. A key without a value has an empty map, so that a section may stand there with all its lines commented out.
 */
export function parseYamlTree(text: string): YamlTree {
  const start = { line: 1, column: 1 };
  const nothing = { tree: {}, positionOf: () => undefined };
  if (text.length > TEXT_MAX) {
    return { ...nothing, problems: [{ at: start, message: `the file is longer than ${TEXT_MAX} characters` }] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { schema: 'failsafe', lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => ({ at: positionAt(lines, error.pos[0]), message: error.message }));
    return { ...nothing, problems };
  }
  const walk = new Walk(document, lines);
  const tree = document.contents === null ? undefined : walk.read(document.contents, [], positionAt(lines, 0));
  return {
    tree: tree ?? {},
    positionOf: (path) => walk.positions.get(JSON.stringify(path.map(String))),
    problems: walk.problems,
  };
}

/** One reading of a document, with what it found on the way. */
class Walk {
  readonly positions = new Map<string, { value: Position; key: Position }>();
  readonly problems: { at: Position; message: string }[] = [];
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;
  #valuesCount = 0;

  constructor(document: Document.Parsed, lines: LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  /** The value of `node`; `undefined` where it cannot be read. `path` leads to it. */
  read(node: Node, path: readonly string[], key: Position): Tree | undefined {
    const at = node.range ? positionAt(this.#lines, node.range[0]) : key;
    this.positions.set(JSON.stringify(path), { value: at, key });
    this.#valuesCount += 1;
    if (path.length > DEPTH_MAX) return this.#refuse(at, `nested deeper than ${DEPTH_MAX} levels`);
    if (this.#valuesCount > VALUES_MAX) return this.#refuse(at, `the file has more than ${VALUES_MAX} values`);

    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      return target === undefined ? this.#refuse(at, `no anchor &${node.source}`) : this.read(target, path, key);
    }
    if (isScalar(node)) return node.value === '' && node.type === 'PLAIN' ? {} : String(node.value);
    if (isSeq(node)) {
      return node.items.flatMap((item, index) =>
        isNode(item) ? (this.read(item, [...path, `${index}`], at) ?? []) : [],
      );
    }
    return isMap(node) ? this.#readMap(node, path, at) : this.#refuse(at, 'this is no value');
  }

  #readMap(map: YAMLMap, path: readonly string[], at: Position): Tree | undefined {
    const entries: [string, Tree][] = [];
    for (const { key, value } of map.items) {
      if (!isScalar(key)) return this.#refuse(at, 'the keys of a map must be plain text');
      const name = String(key.value);
      const keyAt = key.range ? positionAt(this.#lines, key.range[0]) : at;
      const read = isNode(value) ? this.read(value, [...path, name], keyAt) : undefined;
      if (read !== undefined) entries.push([name, read]);
    }
    return Object.fromEntries(entries);
  }

  #refuse(at: Position, message: string): undefined {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push({ at, message });
  }
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}
