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
import type {
  BlobAddress,
  DeleteMarker,
  ListedObject,
  ObjectBody,
  ObjectDescription,
  ObjectVersion,
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
import type { InlineBody } from './inline-bodies.ts';
import { manifestIdOf } from './manifest-rows.ts';
import { orderedId, RANDOM_DIGITS, randomOfId } from './row-keys.ts';

/** Reads the bytes of an inline body. */
export type ReadInline = (row: Pick<ObjectRow, 'sequence' | 'sizeBytes'> & { readonly body: InlineBody }) => Uint8Array;

/** What every version has: its place in the order, and the id that clients see. */
export interface VersionIdentity {
  /** Greater for what was made later. */
  readonly sequence: number;
  /** The random part of its id; `undefined` in the null slot. */
  readonly random: string | undefined;
}

/** Where a version's bytes are; inline ones stand in a table of their own, but for their end. */
export type StoredBody =
  | InlineBody
  | { readonly kind: 'blob'; readonly blob: BlobAddress }
  | { readonly kind: 'manifest'; readonly manifest: number; readonly partsCount: number };

/** A delete marker without its key. */
export interface MarkerRow extends VersionIdentity {
  readonly kind: 'delete-marker';
  readonly lastModifiedMs: number;
  readonly owner: Owner;
}

/** An object without its key and bytes. */
export interface ObjectRow extends ListedRow, ObjectDescription {
  readonly body: StoredBody;
  readonly attributesRevision: number;
}

export type VersionRow = ObjectRow | MarkerRow;

interface ListedRow extends VersionIdentity {
  readonly kind: 'object';
  readonly lastModifiedMs: number;
  readonly owner: Owner;
  readonly etag: ETag;
  readonly sizeBytes: number;
  readonly storageClass: StorageClass;
  readonly checksum: Checksum | undefined;
}

const KINDS = ['object', 'delete-marker'] as const;
/** In rows by their index. */
const BODY_FORMS = ['inline-CRC32C', 'blob', 'manifest', 'inline-CRC32'] as const;
const NULL_SLOT = 0;
const NEW_SLOT = 1;

export function newIdentity(sequence: number, slot: 'null' | 'new'): VersionIdentity {
  return { sequence, random: slot === 'null' ? undefined : randomOfId() };
}

export function versionIdOf({ sequence, random }: VersionIdentity): VersionId {
  return random === undefined ? NULL_VERSION_ID : parseVersionId(orderedId(sequence, random));
}

/** What listings show comes first, so that they need not decode the rest. */
export function writeVersion(row: RowWriter, version: VersionRow): void {
  writeChoice(row, KINDS, version.kind);
  row.integer(version.sequence);
  if (version.random === undefined) row.byte(NULL_SLOT);
  else row.byte(NEW_SLOT).hex(version.random);
  row.integer(version.lastModifiedMs);
  writeOwner(row, version.owner);
  if (version.kind === 'delete-marker') return;
  row.text(version.etag).integer(version.sizeBytes).text(version.storageClass);
  writeChecksum(row, version.checksum);
  writeDescription(row, version);
  writeBody(row, version.body);
  row.integer(version.attributesRevision);
}

export function readVersion(row: RowReader): VersionRow {
  const listed = readListedRow(row);
  if (listed.kind === 'delete-marker') return listed;
  const { headers, userMetadata, attributes } = readDescription(row);
  return { ...listed, headers, userMetadata, attributes, body: readBody(row), attributesRevision: row.integer() };
}

/** The part of a version that listings show. */
export function readListedRow(row: RowReader): ListedRow | MarkerRow {
  const kind = readChoice(row, KINDS);
  const sequence = row.integer();
  const random = row.byte() === NULL_SLOT ? undefined : row.hex(RANDOM_DIGITS);
  const lastModifiedMs = row.integer();
  const owner = readOwner(row);
  if (kind === 'delete-marker') return { kind, sequence, random, lastModifiedMs, owner };
  return {
    kind,
    sequence,
    random,
    lastModifiedMs,
    owner,
    etag: parseETagRow(row),
    sizeBytes: row.integer(),
    storageClass: parseStorageClassRow(row),
    checksum: readChecksum(row),
  };
}

export function listedOf(row: ListedRow, key: ObjectKey): ListedObject {
  const { kind, lastModifiedMs, owner, etag, sizeBytes, storageClass, checksum } = row;
  return { kind, key, versionId: versionIdOf(row), lastModifiedMs, owner, etag, sizeBytes, storageClass, checksum };
}

export function markerOf(row: MarkerRow, key: ObjectKey): DeleteMarker {
  return {
    kind: 'delete-marker',
    key,
    versionId: versionIdOf(row),
    lastModifiedMs: row.lastModifiedMs,
    owner: row.owner,
  };
}

/** The version as callers see it; `inline` gives the bytes of an inline body. */
export function versionOf(row: VersionRow, key: ObjectKey, inline: ReadInline): ObjectVersion {
  if (row.kind === 'delete-marker') return markerOf(row, key);
  const { headers, userMetadata, attributes, attributesRevision } = row;
  return { ...listedOf(row, key), headers, userMetadata, attributes, attributesRevision, body: bodyOf(row, inline) };
}

function bodyOf(row: ObjectRow, inline: ReadInline): ObjectBody {
  switch (row.body.kind) {
    case 'inline':
      return { kind: 'inline', bytes: inline({ sequence: row.sequence, sizeBytes: row.sizeBytes, body: row.body }) };
    case 'blob':
      return row.body;
    case 'manifest':
      return { kind: 'manifest', manifestId: manifestIdOf(row.body.manifest), partsCount: row.body.partsCount };
  }
}

function writeBody(row: RowWriter, body: StoredBody): void {
  writeChoice(row, BODY_FORMS, body.kind === 'inline' ? `inline-${body.algorithm}` : body.kind);
  switch (body.kind) {
    case 'inline':
      row.integer(body.checksum).bytes(body.tail);
      return;
    case 'blob':
      writeBlob(row, body.blob);
      return;
    case 'manifest':
      row.integer(body.manifest).integer(body.partsCount);
      return;
  }
}

function readBody(row: RowReader): StoredBody {
  const form = readChoice(row, BODY_FORMS);
  switch (form) {
    case 'inline-CRC32':
      return { kind: 'inline', algorithm: 'CRC32', checksum: row.integer(), tail: row.bytes() };
    case 'inline-CRC32C':
      return { kind: 'inline', algorithm: 'CRC32C', checksum: row.integer(), tail: row.bytes() };
    case 'blob':
      return { kind: form, blob: readBlob(row) };
    case 'manifest':
      return { kind: form, manifest: row.integer(), partsCount: row.integer() };
  }
}
