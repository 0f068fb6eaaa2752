import type { Database, RootDatabase } from 'lmdb';
import { tableNames } from './environment.ts';

/** The first two pages of a file say where all else is. */
const META_PAGES = 2;
/** The statistics that name the pages of one tree. */
const PAGE_COUNTS = ['treeBranchPageCount', 'treeLeafPageCount', 'overflowPages'];

/**
 * The bytes inside the file of an environment that nothing uses: what was deleted leaves them for what comes next,
 * for the file never gets shorter. 0 where not all of its tables are given. Costs a few calls for each table.
 */
export function reusableBytes(root: RootDatabase<Buffer, Buffer>, tables: ReadonlyMap<string, Database>): number {
  root.resetReadTxn();
  if (tableNames(root).some((name) => !tables.has(name))) return 0;
  const ofRoot: object = root.getStats();
  const trees: readonly unknown[] = [
    ofRoot,
    field(ofRoot, 'free'),
    ...[...tables.values()].map((table) => table.getStats()),
  ];
  let usedPages = META_PAGES;
  for (const tree of trees) for (const name of PAGE_COUNTS) usedPages += count(tree, name);
  const pages = count(ofRoot, 'lastPageNumber') + 1;
  return Math.max(0, pages - usedPages) * count(ofRoot, 'pageSize');
}

/** lmdb does not give its statistics a type. */
function count(stats: unknown, name: string): number {
  const value = field(stats, name);
  return typeof value === 'number' ? value : 0;
}

function field(stats: unknown, name: string): unknown {
  return typeof stats === 'object' && stats !== null ? Reflect.get(stats, name) : undefined;
}
