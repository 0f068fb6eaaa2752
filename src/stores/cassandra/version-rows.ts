import type { Owner } from '../../domain/bucket.ts';
import type { Checksum } from '../../domain/checksum.ts';
import type { ETag } from '../../domain/etag.ts';
import {
  NULL_VERSION_ID,
  type ObjectKey,
  parseVersionId,
  type StorageClass,
  type VersionId,
} from '../../domain/names.ts';
import {
  type DeleteMarker,
  type ListedObject,
  type ObjectBody,
  type ObjectDescription,
  type ObjectVersion,
  parseManifestId,
} from '../../domain/object-version.ts';
import {
  parseETagRow,
  parseStorageClassRow,
  readBlob,
  readChecksum,
  readChoice,
  readDescription,
  readOwner,
  writeBlob,
  writeChecksum,
  writeChoice,
  writeDescription,
  writeOwner,
} from '../rows/description-rows.ts';
import type { RowReader, RowWriter } from '../rows/row-codec.ts';
import { type OpId, parseOpId } from './context.ts';

/** What every version has: its place in the order of its key, and who made it. */
export interface VersionIdentity {
  /** The sequence of its key at which it was made; greater for what was made later. */
  readonly order: number;
  /** The attempt that made it: the random part of its id. */
  readonly op: OpId;
  readonly isNull: boolean;
}

/** A delete marker without its key. */
export interface MarkerRecord extends VersionIdentity {
  readonly kind: 'delete-marker';
  readonly lastModifiedMs: number;
  readonly owner: Owner;
}

/** What listings show of an object, without its key. */
export interface ListedRecord extends VersionIdentity {
  readonly kind: 'object';
  readonly lastModifiedMs: number;
  readonly owner: Owner;
  readonly etag: ETag;
  readonly sizeBytes: number;
  readonly storageClass: StorageClass;
  readonly checksum: Checksum | undefined;
}

/** An object without its key. */
export interface ObjectRecord extends ListedRecord, ObjectDescription {
  readonly body: ObjectBody;
  readonly attributesRevision: number;
}

export type VersionRecord = ObjectRecord | MarkerRecord;

const ORDER_DIGITS = 16;
export const OP_DIGITS = 16;
const VERSION_ID = /^[0-9a-f]{32}$/;
const KINDS = ['object', 'delete-marker'] as const;
const BODY_KINDS = ['inline', 'blob', 'manifest'] as const;
const NEW_SLOT = 0;
const NULL_SLOT = 1;

export function versionIdOf({ order, op, isNull }: VersionIdentity): VersionId {
  return isNull ? NULL_VERSION_ID : parseVersionId(order.toString(16).padStart(ORDER_DIGITS, '0') + op);
}

/** The order in a version's id, or `undefined` for a text that this engine did not make. */
export function orderOfVersionId(id: string): number | undefined {
  if (!VERSION_ID.test(id)) return undefined;
  const order = Number.parseInt(id.slice(0, ORDER_DIGITS), 16);
  return Number.isSafeInteger(order) ? order : undefined;
}

/** What listings show comes first, so that they need not decode the rest. */
export function writeVersion(row: RowWriter, version: VersionRecord): void {
  writeListed(row, version);
  if (version.kind === 'delete-marker') return;
  writeDescription(row, version);
  writeBody(row, version.body);
  row.integer(version.attributesRevision);
}

export function readVersion(row: RowReader): VersionRecord {
  const listed = readListed(row);
  if (listed.kind === 'delete-marker') return listed;
  const { headers, userMetadata, attributes } = readDescription(row);
  return { ...listed, headers, userMetadata, attributes, body: readBody(row), attributesRevision: row.integer() };
}

export function writeListed(row: RowWriter, version: ListedRecord | MarkerRecord): void {
  writeChoice(row, KINDS, version.kind);
  row.integer(version.order).hex(version.op);
  row.byte(version.isNull ? NULL_SLOT : NEW_SLOT).integer(version.lastModifiedMs);
  writeOwner(row, version.owner);
  if (version.kind === 'delete-marker') return;
  row.text(version.etag).integer(version.sizeBytes).text(version.storageClass);
  writeChecksum(row, version.checksum);
}

export function readListed(row: RowReader): ListedRecord | MarkerRecord {
  const kind = readChoice(row, KINDS);
  const order = row.integer();
  const op = parseOpId(row.hex(OP_DIGITS));
  const isNull = row.byte() === NULL_SLOT;
  const lastModifiedMs = row.integer();
  const owner = readOwner(row);
  if (kind === 'delete-marker') return { kind, order, op, isNull, lastModifiedMs, owner };
  const etag = parseETagRow(row);
  const sizeBytes = row.integer();
  const storageClass = parseStorageClassRow(row);
  return { kind, order, op, isNull, lastModifiedMs, owner, etag, sizeBytes, storageClass, checksum: readChecksum(row) };
}

export function listedOf(record: ListedRecord, key: ObjectKey): ListedObject {
  const { kind, lastModifiedMs, owner, etag, sizeBytes, storageClass, checksum } = record;
  return { kind, key, versionId: versionIdOf(record), lastModifiedMs, owner, etag, sizeBytes, storageClass, checksum };
}

export function markerOf(record: MarkerRecord, key: ObjectKey): DeleteMarker {
  const { kind, lastModifiedMs, owner } = record;
  return { kind, key, versionId: versionIdOf(record), lastModifiedMs, owner };
}

export function versionOf(record: VersionRecord, key: ObjectKey): ObjectVersion {
  if (record.kind === 'delete-marker') return markerOf(record, key);
  const { headers, userMetadata, attributes, attributesRevision, body } = record;
  return { ...listedOf(record, key), headers, userMetadata, attributes, attributesRevision, body };
}

function writeBody(row: RowWriter, body: ObjectBody): void {
  writeChoice(row, BODY_KINDS, body.kind);
  switch (body.kind) {
    case 'inline':
      row.bytes(body.bytes);
      return;
    case 'blob':
      writeBlob(row, body.blob);
      return;
    case 'manifest':
      row.text(body.manifestId).integer(body.partsCount);
      return;
  }
}

function readBody(row: RowReader): ObjectBody {
  const kind = readChoice(row, BODY_KINDS);
  switch (kind) {
    case 'inline':
      // A view with a prototype of its own: callers see a Uint8Array, not the driver's Buffer.
      return { kind, bytes: new Uint8Array(row.bytes()) };
    case 'blob':
      return { kind, blob: readBlob(row) };
    case 'manifest':
      return { kind, manifestId: row.parsed(parseManifestId), partsCount: row.integer() };
  }
}
