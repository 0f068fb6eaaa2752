import type { ManifestId, ManifestPart } from '../../domain/object-version.ts';
import { dueKey } from './blob-rows.ts';
import {
  decodeManifestHead,
  decodeManifestParts,
  encodeManifestHead,
  encodeManifestParts,
  MANIFEST_ROW_PARTS,
  type ManifestHead,
  manifestNumber,
} from './manifest-rows.ts';
import type { MetaStep, MetaTables } from './meta-tables.ts';
import { NO_VALUE } from './meta-tables.ts';
import { numberAt, numberKey, prefixRange } from './row-keys.ts';
import type { RowRange } from './table.ts';

const PARTS_ROWS = 1;
const VERSION_ROWS = 2;

export function manifestHead(tables: MetaTables, manifest: number): ManifestHead | undefined {
  const value = tables.manifests.get(numberKey(manifest));
  return value === undefined ? undefined : decodeManifestHead(value);
}

/** Whether a version may take the manifest: some other has it still. */
export function isManifestUsable(tables: MetaTables, id: ManifestId): boolean {
  const manifest = manifestNumber(id);
  const head = manifest === undefined ? undefined : manifestHead(tables, manifest);
  return head !== undefined && head.releasedAtMs === undefined;
}

/** Costs two rows, and one for every `MANIFEST_ROW_PARTS` parts; a released manifest is read as before. */
export function readManifest(
  tables: MetaTables,
  id: ManifestId,
  from: { offsetBytes: number } | { partNumber: number },
  limit: number,
): readonly ManifestPart[] {
  const manifest = manifestNumber(id);
  const head = manifest === undefined ? undefined : manifestHead(tables, manifest);
  if (manifest === undefined || head === undefined) return [];
  const isReached = (part: ManifestPart): boolean =>
    'partNumber' in from ? part.partNumber >= from.partNumber : part.offsetBytes + part.sizeBytes > from.offsetBytes;
  const parts: ManifestPart[] = [];
  for (let index = rowThatReaches(head, from); index < head.rows.length && parts.length < limit; index++) {
    const row = tables.manifests.get(partsKey(manifest, index));
    if (row === undefined) return parts;
    for (const part of decodeManifestParts(row)) if (parts.length < limit && isReached(part)) parts.push(part);
  }
  return parts;
}

export function putManifest({ tables, change }: MetaStep, manifest: number, parts: readonly ManifestPart[]): void {
  const rows: { partNumber: number; offsetBytes: number }[] = [];
  for (let start = 0; start < parts.length; start += MANIFEST_ROW_PARTS) {
    const chunk = parts.slice(start, start + MANIFEST_ROW_PARTS);
    change.put(tables.manifests, partsKey(manifest, rows.length), encodeManifestParts(chunk));
    const { partNumber = 0, offsetBytes = 0 } = chunk[0] ?? {};
    rows.push({ partNumber, offsetBytes });
  }
  change.put(tables.manifests, numberKey(manifest), encodeManifestHead({ releasedAtMs: undefined, rows }));
}

export function holdManifest({ tables, change }: MetaStep, manifest: number, version: number): void {
  change.put(tables.manifests, manifestVersionKey(manifest, version), NO_VALUE);
}

/** Lets go of a manifest, whose parts are reclaimed step by step once no version has it, and `held` is none. */
export function releaseManifest(
  { tables, change, nowMs }: MetaStep,
  manifest: number,
  { version, isHeldAnew }: { version: number; isHeldAnew: boolean },
): void {
  change.remove(tables.manifests, manifestVersionKey(manifest, version));
  if (isHeldAnew) return;
  for (const key of tables.manifests.keys(manifestVersions(manifest))) {
    if (versionOfKey(key) !== version) return;
  }
  const head = manifestHead(tables, manifest);
  if (head === undefined) return;
  change.put(tables.manifests, numberKey(manifest), encodeManifestHead({ ...head, releasedAtMs: nowMs }));
  change.put(tables.due, dueKey('manifest', nowMs, numberKey(manifest)), NO_VALUE);
}

export function partsKey(manifest: number, index: number): Buffer {
  return Buffer.concat([numberKey(manifest), Buffer.of(PARTS_ROWS), numberKey(index)]);
}

export function manifestParts(manifest: number): RowRange {
  return prefixRange(Buffer.concat([numberKey(manifest), Buffer.of(PARTS_ROWS)]));
}

export function manifestVersions(manifest: number): RowRange {
  return prefixRange(Buffer.concat([numberKey(manifest), Buffer.of(VERSION_ROWS)]));
}

/** What a row of `manifests` is: its manifest, and the version where it says that one has it. */
export function manifestRow(key: Buffer): { kind: 'head' | 'parts' | 'version'; manifest: number } {
  const manifest = numberAt(key, 0);
  const kind = key[6];
  if (kind === undefined) return { kind: 'head', manifest };
  return { kind: kind === PARTS_ROWS ? 'parts' : 'version', manifest };
}

export function versionOfKey(key: Buffer): number {
  return key.readUIntBE(7, 6);
}

export function manifestVersionKey(manifest: number, version: number): Buffer {
  return Buffer.concat([numberKey(manifest), Buffer.of(VERSION_ROWS), numberKey(version)]);
}

/** The last row that begins at or before what is looked for. */
function rowThatReaches({ rows }: ManifestHead, from: { offsetBytes: number } | { partNumber: number }): number {
  let low = 0;
  let high = rows.length;
  while (low + 1 < high) {
    const middle = (low + high) >>> 1;
    const row = rows[middle];
    const isBefore =
      row !== undefined &&
      ('partNumber' in from ? row.partNumber <= from.partNumber : row.offsetBytes <= from.offsetBytes);
    if (isBefore) low = middle;
    else high = middle;
  }
  return low;
}
