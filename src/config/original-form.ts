import { keysOfSection } from './setting-paths.ts';
import { isTreeMap, type Tree, type TreeMap } from './tree.ts';

/** What of the original's settings is a setting here too; a file with any other of ours was written for this Pithos. */
const SHARED: Readonly<Record<string, readonly string[]>> = {
  service: ['host', 'port'],
  logging: ['level', 'console', 'files', 'json', 'pattern', 'overrides', 'external', 'use'],
  options: [
    'service-uri',
    'default-cors',
    'default-region',
    'reporting',
    'server-side-encryption',
    'multipart-upload',
    'masterkey-provisioning',
    'masterkey-access',
  ],
};
const CHUNKS = ['max-chunk', 'max-block-chunk', 'max-block-chunks'];

/**
 * Whether a file is one of Pithos 0.7: it has what only that one knew (a name in `io.pithos`, `reporters`, `sentry`,
 * sizes of chunks), or the bucketstore's cluster and no setting that 0.7 lacked. `docs/configuration.md` says it too.
 */
export function isOriginalForm(tree: TreeMap): boolean {
  if ('reporters' in tree || 'sentry' in tree) return true;
  if (namesOriginal(tree) || hasChunkSizes(tree)) return true;
  const bucketstore = mapAt(tree, 'bucketstore');
  return 'cluster' in bucketstore && !('local-data-centre' in bucketstore) && !hasOwnSettings(tree);
}

/** A `use` or a logger of the original's. */
function namesOriginal(tree: Tree): boolean {
  if (Array.isArray(tree)) return tree.some(namesOriginal);
  if (!isTreeMap(tree)) return false;
  return Object.entries(tree).some(
    ([key, value]) =>
      key.startsWith('io.pithos') ||
      (key === 'use' && typeof value === 'string' && value.startsWith('io.pithos.')) ||
      namesOriginal(value),
  );
}

function hasChunkSizes(tree: TreeMap): boolean {
  const regions = Object.values(mapAt(tree, 'regions')).filter(isTreeMap);
  const classes = regions.flatMap((region) => Object.values(mapAt(region, 'storage-classes')));
  return classes.some((store) => isTreeMap(store) && CHUNKS.some((key) => key in store));
}

function hasOwnSettings(tree: TreeMap): boolean {
  return Object.entries(SHARED).some(([section, shared]) =>
    Object.keys(mapAt(tree, section)).some((key) => keysOfSection(section).has(key) && !shared.includes(key)),
  );
}

/** The map at a key; an empty one where there is none. */
export function mapAt(tree: TreeMap, key: string): TreeMap {
  const value = tree[key];
  return value !== undefined && isTreeMap(value) ? value : {};
}
