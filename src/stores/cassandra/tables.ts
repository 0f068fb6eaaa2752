import type { KeyColumn, Table } from './cells.ts';

const text = (name: string): KeyColumn => ({ name, type: 'text' });
const bigint = (name: string): KeyColumn => ({ name, type: 'bigint' });
const blob = (name: string): KeyColumn => ({ name, type: 'blob' });

/** Whose rows these are: a region, or a region and its storage class. Several may share a keyspace. */
const STORE = text('store');

/** A key's versions: the head has the current one, the rows the others. Written by transactions alone. */
export const OBJECT: Table = {
  name: 's3_object',
  partition: [STORE, text('bucket_id'), blob('key')],
  clustering: [bigint('version')],
};

/** What listings show, in ranges of keys. `kind` tells the current objects, the hidden keys and the uploads apart. */
export const LISTING: Table = {
  name: 's3_listing',
  partition: [STORE, text('bucket_id'), text('range_id')],
  clustering: [bigint('kind'), blob('key'), text('upload_id')],
  isHeadless: true,
};

/** Whether a bucket is open, and where its listing lies. Written by transactions alone. */
export const BUCKET_STATE: Table = {
  name: 's3_bucket_state',
  partition: [STORE, text('bucket_id')],
  clustering: [],
};

/** An upload: the head has its state, the rows its parts. Written by transactions alone. */
export const UPLOAD: Table = {
  name: 's3_upload',
  partition: [STORE, text('bucket_id'), blob('key'), text('upload_id')],
  clustering: [bigint('part_number')],
};

/** The parts of a completed upload, by number and by offset. */
export const MANIFEST: Table = {
  name: 's3_manifest',
  partition: [STORE, text('manifest_id')],
  clustering: [text('ordered_by'), bigint('position')],
  isHeadless: true,
};

/** What uses a blob or a manifest: the head has its state, the rows name its holders. */
export const REFERENCE: Table = {
  name: 's3_reference',
  partition: [STORE, text('subject')],
  clustering: [text('holder')],
};

/** Entries in the order of a time, in partitions of some minutes. */
export const TIME_LOG: Table = {
  name: 's3_time_log',
  partition: [STORE, text('log'), bigint('bucket')],
  clustering: [bigint('at_ms'), text('entry')],
  isHeadless: true,
};

/** What reclaim must wait for. */
export const PIN: Table = { name: 's3_pin', partition: [STORE], clustering: [text('pin')] };

/** One blob: how many blocks it may have, and its length once it is whole. */
export const BLOB: Table = {
  name: 's3_blob',
  partition: [STORE, text('blob_id')],
  clustering: [bigint('item')],
  isHeadless: true,
};

/** The bytes of a blob. */
export const BLOCK: Table = {
  name: 's3_block',
  partition: [STORE, text('blob_id'), bigint('block')],
  clustering: [bigint('chunk')],
  isHeadless: true,
};

/** Who has a bucket's name, and its configuration. Written by transactions alone. */
export const BUCKET: Table = { name: 's3_bucket', partition: [text('name')], clustering: [] };

/** The names that a tenant may have; `s3_bucket` decides. */
export const BUCKET_BY_TENANT: Table = {
  name: 's3_bucket_by_tenant',
  partition: [text('tenant')],
  clustering: [text('name')],
  isHeadless: true,
};

/** Access keys. Written by transactions alone. */
export const ACCESS_KEY: Table = { name: 's3_access_key', partition: [text('access_key_id')], clustering: [] };

/** Who does what runs once: background work. */
export const LEASE: Table = { name: 's3_lease', partition: [STORE, text('name')], clustering: [] };

/** The tables of each kind of store. */
export const TABLES = {
  keystore: [ACCESS_KEY],
  bucketstore: [BUCKET, BUCKET_BY_TENANT],
  metastore: [OBJECT, LISTING, BUCKET_STATE, UPLOAD, MANIFEST, REFERENCE, TIME_LOG, PIN, LEASE],
  blobstore: [BLOB, BLOCK],
} as const satisfies Readonly<Record<string, readonly Table[]>>;
