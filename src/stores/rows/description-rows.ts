import type { Owner } from '../../domain/bucket.ts';
import {
  CHECKSUM_ALGORITHMS,
  type Checksum,
  type ChecksumAlgorithm,
  type ChecksumType,
} from '../../domain/checksum.ts';
import type { ETag } from '../../domain/etag.ts';
import { type BlobId, parseTenantId, type StorageClass } from '../../domain/names.ts';
import {
  type BlobAddress,
  DEFAULT_ATTRIBUTES,
  type Grant,
  type ObjectDescription,
  type Permission,
  type Retention,
  type SystemHeaders,
  type VersionAttributes,
} from '../../domain/object-version.ts';
import type { UploadDraft } from '../../domain/upload.ts';
import { StoreError } from '../store.ts';
import type { RowReader, RowWriter } from './row-codec.ts';

/** Hex digits of a blob's id, and of a bucket's. */
export const ID_DIGITS = 32;

// A value of these lists is stored as its place in them, and a header as a bit: a change makes another layout.
export const CHECKSUM_TYPES: readonly ChecksumType[] = ['FULL_OBJECT', 'COMPOSITE'];
const PERMISSIONS: readonly Permission[] = ['FULL_CONTROL', 'READ', 'WRITE', 'READ_ACP', 'WRITE_ACP'];
const RETENTION_MODES: readonly Retention['mode'][] = ['GOVERNANCE', 'COMPLIANCE'];
const HEADER_NAMES = [
  'contentType',
  'cacheControl',
  'contentDisposition',
  'contentEncoding',
  'contentLanguage',
  'expires',
  'websiteRedirectLocation',
] as const satisfies readonly (keyof SystemHeaders)[];

const ABSENT = 0;
const PRESENT = 1;

/** What is written of a description; owner and storage class stand elsewhere in their rows. */
export type DescriptionRest = Pick<ObjectDescription, 'headers' | 'userMetadata' | 'attributes'>;

export function writeOwner(row: RowWriter, owner: Owner): void {
  row.text(owner.tenant).text(owner.displayName);
}

export function readOwner(row: RowReader): Owner {
  return { tenant: row.parsed(parseTenantId), displayName: row.text() };
}

/** Who opened an upload and where it comes from; the values end the row, and most uploads have none. */
export function writeProvenance(row: RowWriter, { owner, initiator, origin }: UploadDraft): void {
  if (initiator === undefined && origin === undefined) return;
  writeOwner(row, initiator ?? owner);
  if (origin !== undefined) row.byte(initiator === undefined ? ABSENT : PRESENT).text(origin);
}

export function readProvenance(row: RowReader): Pick<UploadDraft, 'initiator' | 'origin'> {
  if (!row.hasMore) return {};
  const initiator = readOwner(row);
  if (!row.hasMore) return { initiator };
  const isInitiated = row.byte() === PRESENT;
  return { ...(isInitiated && { initiator }), origin: row.text() };
}

export function writeBlob(row: RowWriter, blob: BlobAddress): void {
  row.hex(blob.id).text(blob.storageClass).integer(blob.sizeBytes);
}

export function readBlob(row: RowReader): BlobAddress {
  return { id: parseBlobIdRow(row), storageClass: parseStorageClassRow(row), sizeBytes: row.integer() };
}

export function writeChecksum(row: RowWriter, checksum: Checksum | undefined): void {
  if (checksum === undefined) {
    row.byte(ABSENT);
    return;
  }
  row.byte(PRESENT);
  writeChoice(row, CHECKSUM_ALGORITHMS, checksum.algorithm);
  writeChoice(row, CHECKSUM_TYPES, checksum.type);
  row.text(checksum.value);
}

export function readChecksum(row: RowReader): Checksum | undefined {
  if (row.byte() === ABSENT) return undefined;
  return {
    algorithm: readChoice<ChecksumAlgorithm>(row, CHECKSUM_ALGORITHMS),
    type: readChoice(row, CHECKSUM_TYPES),
    value: row.text(),
  };
}

export function writeDescription(row: RowWriter, { headers, userMetadata, attributes }: DescriptionRest): void {
  let present = 0;
  for (const name of HEADER_NAMES) present = (present << 1) | (headers[name] === undefined ? ABSENT : PRESENT);
  row.byte(present);
  for (const name of HEADER_NAMES) {
    const value = headers[name];
    if (value !== undefined) row.text(value);
  }
  writePairs(row, userMetadata);
  writeAttributes(row, attributes);
}

export function readDescription(row: RowReader): DescriptionRest {
  const present = row.byte();
  const headers: Partial<Record<(typeof HEADER_NAMES)[number], string>> = {};
  let bit = 1 << HEADER_NAMES.length;
  for (const name of HEADER_NAMES) {
    bit >>= 1;
    if ((present & bit) !== 0) headers[name] = row.text();
  }
  return { headers, userMetadata: readPairs(row), attributes: readAttributes(row) };
}

export function writeChoice<T>(row: RowWriter, choices: readonly T[], choice: T): void {
  const index = choices.indexOf(choice);
  if (index === -1) throw new RangeError(`${String(choice)} is none of ${choices.join(', ')}.`);
  row.byte(index);
}

export function readChoice<T>(row: RowReader, choices: readonly T[]): T {
  const choice = choices[row.byte()];
  if (choice === undefined)
    throw new StoreError('corrupt', 'A row of the metadata has a value that this release does not know.');
  return choice;
}

export function parseETagRow(row: RowReader): ETag {
  return row.text() as ETag;
}

export function parseStorageClassRow(row: RowReader): StorageClass {
  return row.text() as StorageClass;
}

export function parseBlobIdRow(row: RowReader): BlobId {
  return row.hex(ID_DIGITS) as BlobId;
}

function writePairs(row: RowWriter, pairs: readonly (readonly [string, string])[]): void {
  row.integer(pairs.length);
  for (const [name, value] of pairs) row.text(name).text(value);
}

function readPairs(row: RowReader): (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = [];
  for (let left = row.integer(); left > 0; left--) pairs.push([row.text(), row.text()]);
  return pairs;
}

/** Most versions have nothing but the default: one byte. */
function writeAttributes(row: RowWriter, { acl, tags, retention, legalHold }: VersionAttributes): void {
  if (acl.length === 0 && tags.length === 0 && retention === undefined && !legalHold) {
    row.byte(ABSENT);
    return;
  }
  row.byte(PRESENT).integer(acl.length);
  for (const grant of acl) writeGrant(row, grant);
  writePairs(row, tags);
  if (retention === undefined) row.byte(ABSENT);
  else {
    row.byte(PRESENT);
    writeChoice(row, RETENTION_MODES, retention.mode);
    row.integer(retention.retainUntilMs);
  }
  row.byte(legalHold ? PRESENT : ABSENT);
}

function readAttributes(row: RowReader): VersionAttributes {
  if (row.byte() === ABSENT) return DEFAULT_ATTRIBUTES;
  const acl = Array.from({ length: row.count() }, () => readGrant(row));
  const tags = readPairs(row);
  const retention =
    row.byte() === ABSENT ? undefined : { mode: readChoice(row, RETENTION_MODES), retainUntilMs: row.integer() };
  return { acl, tags, retention, legalHold: row.byte() === PRESENT };
}

function writeGrant(row: RowWriter, { grantee, permission }: Grant): void {
  writeChoice(row, PERMISSIONS, permission);
  if (grantee.kind === 'group') row.byte(ABSENT).text(grantee.uri);
  else row.byte(PRESENT).text(grantee.tenant).text(grantee.displayName);
}

function readGrant(row: RowReader): Grant {
  const permission = readChoice(row, PERMISSIONS);
  if (row.byte() === ABSENT) return { permission, grantee: { kind: 'group', uri: row.text() } };
  return { permission, grantee: { kind: 'tenant', ...readOwner(row) } };
}
