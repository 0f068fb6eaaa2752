import { type ManifestId, type ManifestPart, parseManifestId } from '../../domain/object-version.ts';
import { readBlob, readChecksum, writeBlob, writeChecksum } from '../rows/description-rows.ts';
import { RowReader, RowWriter } from '../rows/row-codec.ts';

/** Parts in one row of a manifest: it fits one page of LMDB. */
export const MANIFEST_ROW_PARTS = 32;

/** The first row of a manifest: where to look for a byte or a part, and whether anything still uses it. */
export interface ManifestHead {
  /** When the last version that used it went; its parts are reclaimed step by step. */
  readonly releasedAtMs: number | undefined;
  /** The first part of each row. */
  readonly rows: readonly { readonly partNumber: number; readonly offsetBytes: number }[];
}

const MANIFEST_ID = /^[0-9a-f]{12}$/;
const MANIFEST_ID_DIGITS = 12;
const ABSENT = 0;
const PRESENT = 1;

export function manifestIdOf(manifest: number): ManifestId {
  return parseManifestId(manifest.toString(16).padStart(MANIFEST_ID_DIGITS, '0'));
}

/** The number in a manifest's id, or `undefined` for a text that this engine did not make. */
export function manifestNumber(id: ManifestId): number | undefined {
  return MANIFEST_ID.test(id) ? Number.parseInt(id, 16) : undefined;
}

export function encodeManifestHead({ releasedAtMs, rows }: ManifestHead): Buffer {
  const row = new RowWriter();
  if (releasedAtMs === undefined) row.byte(ABSENT);
  else row.byte(PRESENT).integer(releasedAtMs);
  row.integer(rows.length);
  for (const { partNumber, offsetBytes } of rows) row.integer(partNumber).integer(offsetBytes);
  return row.finish();
}

export function decodeManifestHead(value: Buffer): ManifestHead {
  const row = new RowReader(value);
  const releasedAtMs = row.byte() === ABSENT ? undefined : row.integer();
  const rows = Array.from({ length: row.count() }, () => ({ partNumber: row.integer(), offsetBytes: row.integer() }));
  return { releasedAtMs, rows };
}

export function encodeManifestParts(parts: readonly ManifestPart[]): Buffer {
  const row = new RowWriter().integer(parts.length);
  for (const { partNumber, offsetBytes, sizeBytes, checksum, body } of parts) {
    row.integer(partNumber).integer(offsetBytes).integer(sizeBytes);
    writeChecksum(row, checksum);
    if (body === undefined) row.byte(ABSENT);
    else writeBlob(row.byte(PRESENT), body);
  }
  return row.finish();
}

export function decodeManifestParts(value: Buffer): ManifestPart[] {
  const row = new RowReader(value);
  return Array.from({ length: row.count() }, () => ({
    partNumber: row.integer(),
    offsetBytes: row.integer(),
    sizeBytes: row.integer(),
    checksum: readChecksum(row),
    body: row.byte() === ABSENT ? undefined : readBlob(row),
  }));
}
