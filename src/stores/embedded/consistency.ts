import { RowReader } from '../rows/row-codec.ts';
import type { CallOptions } from '../store.ts';
import { StoreError } from '../store.ts';
import { blobRecord, isLive } from './blob-ledger.ts';
import {
  blobKey,
  blobOfKey,
  decodeRecord,
  dueId,
  dueKey,
  type Holder,
  holderOfKey,
  referenceKey,
} from './blob-rows.ts';
import type { EmbeddedDatabase } from './database.ts';
import { decodeHead, decodeOlder, type Head, olderRange, readHead } from './heads.ts';
import { readInline } from './inline-bodies.ts';
import { decodeManifestHead, decodeManifestParts, manifestIdOf } from './manifest-rows.ts';
import {
  manifestHead,
  manifestParts,
  manifestRow,
  manifestVersionKey,
  manifestVersions,
  readManifest,
  versionOfKey,
} from './manifests.ts';
import { lastSequence, type MetaTables } from './meta-tables.ts';
import { numberAt, numberKey, objectKeyOfRow, objectRowKey } from './row-keys.ts';
import { foundInHead, scanTable, unlessCorrupt } from './scans.ts';
import { SequenceSet } from './sequence-set.ts';
import type { Row } from './table.ts';
import { decodePart, decodeUpload } from './upload-rows.ts';
import type { VersionRow } from './version-rows.ts';

type Sentences = Iterable<string>;

/** Older versions of one key that are counted: it happens on one snapshot. */
const COUNTED_VERSIONS_MAX = 10_000;

/**
 * Checks what a metastore keeps twice, one sentence for each contradiction.
 *
 * Rows that name each other are compared within one snapshot, so changes meanwhile cause no false alarm. Bodies
 * whose version was not seen are looked for a second time, for a version may move while it is scanned.
 */
export async function* findContradictions(
  database: EmbeddedDatabase,
  tables: MetaTables,
  options: CallOptions,
): AsyncGenerator<string> {
  const check = async function* (table: keyof MetaTables, visit: (row: Row) => Sentences): AsyncGenerator<string> {
    const guarded = (row: Row): readonly string[] => guard(`A row of ${table}`, () => [...visit(row)]);
    for await (const sentences of scanTable(database, tables[table], guarded, options)) yield* sentences;
  };
  yield* check('current', (row) => checkHead(tables, row, 'object'));
  yield* check('deleted', (row) => checkHead(tables, row, 'delete-marker'));
  yield* check('older', (row) => checkOlder(tables, row));
  yield* check('blobs', (row) => checkBlobRow(tables, row));
  yield* check('due', (row) => checkDue(tables, row));
  yield* check('uploads', (row) => checkUpload(tables, row));
  yield* check('uploadKeys', (row) => checkUploadKey(tables, row));
  yield* check('parts', (row) => checkPart(tables, row));
  yield* check('manifests', (row) => checkManifestRow(tables, row));
  yield* findOrphans(database, tables, options);
}

/** Inline bodies, and holds of versions, that no version has: a version can be found by scanning all alone. */
async function* findOrphans(
  database: EmbeddedDatabase,
  tables: MetaTables,
  options: CallOptions,
): AsyncGenerator<string> {
  const newest = database.read(() => lastSequence(tables));
  const seen = await scanSequences(database, tables, options);
  const held = ({ key }: Row): number | undefined => {
    const holder = holderOfKey(key);
    return holder?.kind === 'version' ? holder.sequence : undefined;
  };
  const heldManifest = ({ key }: Row): number | undefined =>
    manifestRow(key).kind === 'version' ? versionOfKey(key) : undefined;
  let again: SequenceSet | undefined;
  for (const [table, sequenceOf] of [
    ['inline', ({ key }: Row) => numberAt(key, 0)],
    ['blobs', held],
    ['manifests', heldManifest],
  ] as const) {
    const visit = (row: Row) => ({ key: row.key, sequence: sequenceOf(row) });
    for await (const { key, sequence } of scanTable(database, tables[table], visit, options)) {
      if (sequence === undefined || sequence > newest || seen.has(sequence)) continue;
      again ??= await scanSequences(database, tables, options);
      if (again.has(sequence) || !database.read(() => tables[table].has(key))) continue;
      yield `A row of ${table} belongs to version ${sequence}, which does not exist.`;
    }
  }
}

async function scanSequences(
  database: EmbeddedDatabase,
  tables: MetaTables,
  options: CallOptions,
): Promise<SequenceSet> {
  const seen = new SequenceSet();
  for (const [table, find] of [
    [tables.current, foundInHead],
    [tables.deleted, foundInHead],
    [tables.older, ({ value }: Row) => decodeOlder(value)],
  ] as const) {
    // A row that cannot be read was reported before.
    const visit = (row: Row) => unlessCorrupt(() => find(row).version.sequence);
    for await (const sequence of scanTable(database, table, visit, options)) {
      if (sequence !== undefined) seen.add(sequence);
    }
  }
  return seen;
}

function* checkHead(tables: MetaTables, { key, value }: Row, kind: VersionRow['kind']): Sentences {
  const name = `Key ${JSON.stringify(objectKeyOfRow(key))}`;
  const head = decodeHead(value);
  if (head.version.kind !== kind)
    yield `${name} stands in the wrong table: its current version is a ${head.version.kind}.`;
  if (kind === 'object' && tables.deleted.has(key)) yield `${name} stands as object and as delete marker.`;
  yield* checkBody(tables, name, head.version);
  yield* checkOlderCount(tables, name, head);
}

function* checkOlderCount(tables: MetaTables, name: string, { version, rest }: Head): Sentences {
  if (rest.group === 0 || rest.count > COUNTED_VERSIONS_MAX) return;
  let count = 0;
  let newest: number | undefined;
  let nullSequence = 0;
  for (const { value } of tables.older.range(olderRange(rest.group))) {
    const older = decodeOlder(value).version;
    count++;
    newest ??= older.sequence;
    if (older.random === undefined) nullSequence = older.sequence;
  }
  if (count !== rest.count) yield `${name} has ${count} older versions, and its head says ${rest.count}.`;
  if (newest !== undefined && newest >= version.sequence)
    yield `${name} has an older version that is newer than its current one.`;
  if (nullSequence !== rest.nullSequence) {
    yield `${name} has its older null version at ${nullSequence}, and its head says ${rest.nullSequence}.`;
  }
}

function* checkOlder(tables: MetaTables, { key, value }: Row): Sentences {
  const { bucketId, key: objectKey, version } = decodeOlder(value);
  const name = `Version ${version.sequence} of key ${JSON.stringify(objectKey)}`;
  const head = readHead(tables, bucketId, objectKey);
  if (head?.rest.group !== numberAt(key, 0)) yield `${name} is not among the older versions of its key.`;
  yield* checkBody(tables, name, version);
}

function* checkBody(tables: MetaTables, name: string, version: VersionRow): Sentences {
  if (version.kind !== 'object') return;
  const { body, sequence } = version;
  if (body.kind === 'inline') {
    yield* guard(name, () => {
      readInline(tables, { ...version, body });
      return [];
    });
  } else if (body.kind === 'blob') {
    if (!tables.blobs.has(referenceKey(body.blob.id, { kind: 'version', sequence }))) {
      yield `${name} has blob ${body.blob.id}, which does not say so.`;
    }
    if (blobRecord(tables, body.blob.id) !== undefined)
      yield `${name} has blob ${body.blob.id}, which is not referenced.`;
  } else {
    const head = manifestHead(tables, body.manifest);
    if (head === undefined || head.releasedAtMs !== undefined)
      yield `${name} has manifest ${body.manifest}, which is gone.`;
    if (!tables.manifests.has(manifestVersionKey(body.manifest, sequence))) {
      yield `${name} has manifest ${body.manifest}, which does not say so.`;
    }
  }
}

function* checkBlobRow(tables: MetaTables, { key, value }: Row): Sentences {
  const id = blobOfKey(key);
  const holder = holderOfKey(key);
  if (holder === undefined) {
    const { kind, atMs } = decodeRecord(value);
    if (!tables.due.has(dueKey(kind === 'intended' ? 'intent' : 'blob', atMs, blobKey(id)))) {
      yield `Blob ${id} is ${kind}, and stands in no queue.`;
    }
  } else if (blobRecord(tables, id) !== undefined && isLive(tables, holder)) {
    yield `Blob ${id} is referenced, and queued or announced too.`;
  } else if (holder.kind === 'part' && !isPartOf(tables, holder, id)) {
    yield `Blob ${id} is held by part ${holder.partNumber} of upload ${holder.upload}, which does not have it.`;
  }
}

/** Whether the part, of an upload or of its manifest, has this blob. */
function isPartOf(tables: MetaTables, holder: Holder & { kind: 'part' }, id: string): boolean {
  const { upload, partNumber } = holder;
  const part = tables.parts.get(numberKey(upload, partNumber));
  if (part !== undefined) return decodePart(part).body?.id === id;
  const [listed] = readManifest(tables, manifestIdOf(upload), { partNumber }, 1);
  return listed?.partNumber === partNumber && listed.body?.id === id;
}

function* checkDue(tables: MetaTables, { key }: Row): Sentences {
  const id = dueId(key);
  const isOfBlob = id.length === 16 && !tables.closed.has(id);
  if (!isOfBlob) return;
  const record = tables.blobs.get(id);
  if (record === undefined) yield `Blob ${id.toString('hex')} stands in a queue, and has no record.`;
}

function* checkUpload(tables: MetaTables, { value }: Row): Sentences {
  const { bucketId, sequence, group, draft, state } = decodeUpload(value);
  if (state.kind !== 'open') return;
  const isListed =
    tables.uploadGroups.has(numberKey(group, sequence)) && tables.uploadKeys.has(objectRowKey(bucketId, draft.key));
  if (!isListed) yield `Upload ${sequence} is open, and listed nowhere.`;
}

function* checkUploadKey(tables: MetaTables, { key, value }: Row): Sentences {
  const group = new RowReader(value).integer();
  if (!tables.uploadGroups.hasAny({ start: numberKey(group), end: numberKey(group + 1) })) {
    yield `Key ${JSON.stringify(objectKeyOfRow(key))} has a group of uploads that is empty.`;
  }
}

function* checkPart(tables: MetaTables, { key, value }: Row): Sentences {
  const upload = numberAt(key, 0);
  const { body, partNumber } = decodePart(value);
  const holder: Holder = { kind: 'part', upload, partNumber };
  if (body !== undefined && !tables.blobs.has(referenceKey(body.id, holder))) {
    yield `Part ${partNumber} of upload ${upload} has blob ${body.id}, which does not say so.`;
  }
}

function* checkManifestRow(tables: MetaTables, { key, value }: Row): Sentences {
  const { kind, manifest } = manifestRow(key);
  if (kind === 'head') {
    const rows = [...tables.manifests.keys(manifestParts(manifest))].length;
    const head = decodeManifestHead(value);
    if (head.releasedAtMs === undefined && rows !== head.rows.length) {
      yield `Manifest ${manifest} has ${rows} rows of parts, and its head says ${head.rows.length}.`;
    }
    if (head.releasedAtMs === undefined && !tables.manifests.hasAny(manifestVersions(manifest))) {
      yield `Manifest ${manifest} belongs to no version.`;
    }
    return;
  }
  if (manifestHead(tables, manifest) === undefined) yield `Manifest ${manifest} has rows, and no head.`;
  if (kind === 'version') return;
  for (const { body, partNumber } of decodeManifestParts(value)) {
    if (body === undefined) continue;
    if (!tables.blobs.has(referenceKey(body.id, { kind: 'part', upload: manifest, partNumber }))) {
      yield `Part ${partNumber} of manifest ${manifest} has blob ${body.id}, which does not say so.`;
    }
  }
}

/** A row that cannot be read is a contradiction of its own. */
function guard(what: string, check: () => readonly string[]): readonly string[] {
  try {
    return check();
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'corrupt') return [`${what} cannot be read: ${error.message}`];
    throw error;
  }
}
