import { isTreeMap, type Tree, type TreeMap } from './tree.ts';

/** A path, a `file:` URL, or the name of a package that cannot be a mistyped word of ours. */
const MODULE = /^(?:\.{0,2}\/.+|file:.+|@[\w.-]+\/[\w./-]+|[A-Za-z][\w.]*[-/][\w./-]+)$/;
const ORIGINAL = /^io\.pithos\./;
/** What of a module's section is for Pithos too. */
const KEPT = ['use', 'default-region'];

export interface ModuleSections {
  /** The settings, with nothing but `use` in the sections of modules: what else is there is theirs to check. */
  readonly tree: Tree;
  /** Those sections as they were, by dotted path. */
  readonly sections: ReadonlyMap<string, TreeMap>;
}

/** Whether `use` names a module, and no engine of ours. */
export function isModuleName(text: string): boolean {
  return MODULE.test(text) && !ORIGINAL.test(text);
}

/** Takes out what stores of others are told. */
export function takeModuleSections(tree: Tree): ModuleSections {
  const sections = new Map<string, TreeMap>();
  if (!isTreeMap(tree)) return { tree, sections };
  const take = (section: Tree, path: string): Tree => {
    if (!isTreeMap(section)) return section;
    const { use } = section;
    if (typeof use !== 'string' || !isModuleName(use)) return section;
    sections.set(path, section);
    return Object.fromEntries(Object.entries(section).filter(([key]) => KEPT.includes(key)));
  };
  const read: Record<string, Tree> = { ...tree };
  for (const name of ['keystore', 'bucketstore']) {
    const section = tree[name];
    if (section !== undefined) read[name] = take(section, name);
  }
  const { regions } = tree;
  if (regions !== undefined) {
    read['regions'] = eachOf(regions, 'regions', (region, at) =>
      eachOf(region, at, (part, path, key) => {
        if (key === 'metastore') return take(part, path);
        return key === 'storage-classes' ? eachOf(part, path, take) : part;
      }),
    );
  }
  return { tree: read, sections };
}

function eachOf(tree: Tree, path: string, change: (each: Tree, path: string, key: string) => Tree): Tree {
  if (!isTreeMap(tree)) return tree;
  const entries = Object.entries(tree).map(([key, each]): [string, Tree] => [key, change(each, `${path}.${key}`, key)]);
  return Object.fromEntries(entries);
}
