import type { CallOptions } from '../stores/store.ts';
import type { BytesReference, OriginalSource } from './original-source.ts';

/** What is held in memory at one time; where there are more, all is read again for each so many. */
const REFERENCES_MAX = 1_000_000;
/** From 1582-10-15, where UUIDs of version 1 begin, to 1970, in milliseconds. */
const UUID_EPOCH_MS = 12_219_292_800_000;
const TICKS_PER_MS = 10_000n;

/**
 * The bytes in the keyspaces of a Pithos 0.7 that belong to no object and no part of an upload, and whose writing began
 * before `beforeMs`: younger ones may be on their way. `objectsCount` is how many objects there are, about.
 * Source: https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-1
 */
export async function* findOrphans(
  source: OriginalSource,
  { beforeMs, objectsCount }: { readonly beforeMs: number; readonly objectsCount: number },
  options: CallOptions,
): AsyncGenerator<BytesReference> {
  const passes = Math.max(1, Math.ceil(objectsCount / REFERENCES_MAX));
  for (let pass = 0; pass < passes; pass++) {
    const isOfPass = ({ inode }: BytesReference) => Number.parseInt(inode.slice(0, 8), 16) % passes === pass;
    const used = new Set<string>();
    for (const meta of source.metastores) {
      for await (const bytes of meta.usedBytes(options)) if (isOfPass(bytes)) used.add(nameOf(bytes));
    }
    for (const blobs of source.blobstores) {
      for await (const bytes of blobs.storedBytes(options)) {
        if (isOfPass(bytes) && timeOf(bytes) < beforeMs && !used.has(nameOf(bytes))) yield bytes;
      }
    }
  }
}

function nameOf({ inode, version }: BytesReference): string {
  return `${inode}/${version}`;
}

/** The time in a UUID of version 1, in milliseconds. */
function timeOf({ version }: BytesReference): number {
  const [low = '', middle = '', high = ''] = version.split('-');
  return Number(BigInt(`0x${high.slice(1)}${middle}${low}`) / TICKS_PER_MS) - UUID_EPOCH_MS;
}
