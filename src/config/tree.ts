/** Settings as a file has them: every scalar is its text, whatever YAML would have made of it. */
export type Tree = string | readonly Tree[] | TreeMap;
export interface TreeMap {
  readonly [key: string]: Tree;
}

export function isTreeMap(tree: Tree): tree is TreeMap {
  return typeof tree === 'object' && !Array.isArray(tree);
}
