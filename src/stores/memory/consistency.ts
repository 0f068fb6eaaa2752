import type { BlobId } from '../../domain/names.ts';
import type { BlobHolder, BucketRows, State } from './state.ts';

/** What the state keeps twice, checked against each other: one sentence for each contradiction. */
export function* findContradictions(state: State): Iterable<string> {
  const holds = collectHolds(state);
  for (const [id, row] of state.blobs) {
    const expected = holds.get(id);
    holds.delete(id);
    if (row.state.kind !== 'referenced') {
      if (expected !== undefined) yield `Blob ${id} is ${row.state.kind}, though ${expected.size} rows name it.`;
    } else if (expected === undefined || !isSame(expected, row.state.holders)) {
      yield `Blob ${id} is held by ${row.state.holders.size} rows, and ${expected?.size ?? 0} rows name it.`;
    }
  }
  for (const id of holds.keys()) yield `Blob ${id} is unknown, though a row names it.`;
  for (const [bucketId, bucket] of state.buckets) {
    for (const sentence of findIndexContradictions(bucket)) yield `Bucket ${bucketId}: ${sentence}`;
  }
}

/** The holders that versions, parts and manifests make. */
function collectHolds(state: State): Map<BlobId, Set<BlobHolder>> {
  const holds = new Map<BlobId, Set<BlobHolder>>();
  const add = (id: BlobId | undefined, holder: BlobHolder): void => {
    if (id === undefined) return;
    holds.set(id, (holds.get(id) ?? new Set<BlobHolder>()).add(holder));
  };
  for (const { versions, uploads } of state.buckets.values()) {
    for (const row of [...versions.values()].flat()) {
      if (row.version.kind === 'object' && row.version.body.kind === 'blob') add(row.version.body.blob.id, row);
    }
    for (const { parts } of uploads.values()) for (const row of parts.values()) add(row.part.body?.id, row);
  }
  for (const manifest of state.manifests.values()) {
    if (manifest.releasedAtMs === undefined) for (const { body } of manifest.parts) add(body?.id, manifest);
  }
  return holds;
}

function* findIndexContradictions({ versions, keys, liveKeys }: BucketRows): Iterable<string> {
  const live = new Set(liveKeys.range('', undefined));
  const known = new Set(keys.range('', undefined));
  for (const [key, rows] of versions) {
    if (!known.delete(key)) yield `key ${JSON.stringify(key)} is missing from the order of keys.`;
    if (live.delete(key) !== (rows[0]?.version.kind === 'object')) {
      yield `key ${JSON.stringify(key)} is listed wrongly.`;
    }
  }
  for (const key of [...known, ...live]) yield `key ${JSON.stringify(key)} is listed and has no version.`;
}

function isSame(a: ReadonlySet<BlobHolder>, b: ReadonlySet<BlobHolder>): boolean {
  return a.size === b.size && [...a].every((holder) => b.has(holder));
}
