import { scheduler } from 'node:timers/promises';
import { type Client, types } from 'cassandra-driver';
import { type CallOptions, StoreError } from '../store.ts';
import { type ClusterOptions, connectClient, findDataCentre } from './cluster.ts';
import type { Levels } from './consistency.ts';
import { storeErrorOf } from './driver-errors.ts';
import { levelCode } from './level-code.ts';
import { untilAborted } from './until-aborted.ts';

/** A keyspace that a Pithos 0.7 wrote, and how it is read. */
export interface OriginalKeyspaceOptions extends ClusterOptions {
  readonly keyspace: string;
  readonly levels: Pick<Levels, 'read'>;
}

interface Bytes {
  readonly inode: string;
  readonly version: string;
}

interface UploadName {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
}

/** Rows of one page of a listing. */
const PAGE_ROWS = 1_000;
/** Bytes of one page of chunks, about; chunks of 0.7 are of any size, so that the first page is small. */
const PAGE_BYTES = 2 * 1024 ** 2;
const FIRST_PAGE_CHUNKS = 4;
const PAGE_CHUNKS_MAX = 128;
/** How often a read is sent, and how long after the first failure, in milliseconds. */
const TRIES = 4;
const RETRY_AFTER_MS = 250;

const TABLES = {
  bucketstore: ['bucket'],
  metastore: ['object', 'upload', 'object_uploads'],
  blobstore: ['inode_blocks', 'block'],
} as const;

/**
 * Reads the tables of Pithos 0.7, and sends nothing but SELECT. Rows are as the original wrote them: with holes, since
 * it wrote most of them by UPDATE. It asks no more of the cluster than Cassandra 2.1 can do.
 */
export class OriginalKeyspace implements AsyncDisposable {
  readonly name: string;
  readonly #client: Client;
  readonly #consistency: types.consistencies;

  /** Connects. Throws `StoreError` with one sentence that says what to do. */
  static async connect(options: OriginalKeyspaceOptions): Promise<OriginalKeyspace> {
    const client = await connectClient(options, await findDataCentre(options));
    return new OriginalKeyspace(client, options);
  }

  constructor(client: Client, { keyspace, levels }: OriginalKeyspaceOptions) {
    this.name = keyspace;
    this.#client = client;
    this.#consistency = levelCode(levels.read);
  }

  /** Throws `StoreError` where it lacks a table that such a store of Pithos 0.7 has. */
  async requireTables(kind: keyof typeof TABLES): Promise<void> {
    for (const table of TABLES[kind]) {
      const found: object | null = await this.#client.metadata.getTable(this.name, table);
      if (found !== null && found !== undefined) continue;
      const message = `Keyspace ${this.name} has no table ${table}: it is no ${kind} of Pithos 0.7.`;
      throw new StoreError('unavailable', message);
    }
  }

  async *buckets(options: CallOptions) {
    const query = 'SELECT bucket, tenant, region, created, acl, cors FROM bucket';
    for await (const row of this.#rows(query, [], options)) {
      yield {
        name: textOf(row, 'bucket') ?? '',
        tenant: textOf(row, 'tenant'),
        region: textOf(row, 'region'),
        created: textOf(row, 'created'),
        acl: textOf(row, 'acl'),
        cors: textOf(row, 'cors'),
      };
    }
  }

  async *bucketNames(options: CallOptions): AsyncGenerator<string> {
    for await (const row of this.#rows('SELECT DISTINCT bucket FROM object', [], options)) {
      yield textOf(row, 'bucket') ?? '';
    }
  }

  async *objects(bucket: string, options: CallOptions) {
    for await (const row of this.#rows(`${OBJECT} WHERE bucket = ?`, [bucket], options)) yield objectOf(row);
  }

  async object(bucket: string, key: string, options: CallOptions) {
    for await (const row of this.#rows(`${OBJECT} WHERE bucket = ? AND object = ?`, [bucket, key], options)) {
      return objectOf(row);
    }
    return undefined;
  }

  async *uploads(options: CallOptions) {
    for await (const row of this.#rows('SELECT bucket, object, upload, metadata FROM object_uploads', [], options)) {
      yield {
        bucket: textOf(row, 'bucket') ?? '',
        key: textOf(row, 'object') ?? '',
        uploadId: uuidOf(row, 'upload') ?? '',
        metadata: mapOf(row, 'metadata'),
      };
    }
  }

  async *parts({ bucket, key, uploadId }: UploadName, options: CallOptions) {
    const query = `${PART} WHERE bucket = ? AND object = ? AND upload = ?`;
    for await (const row of this.#rows(query, [bucket, key, uploadId], options)) {
      yield {
        partNumber: numberOf(row, 'partno') ?? 0,
        inode: uuidOf(row, 'inode'),
        version: uuidOf(row, 'version'),
        sizeBytes: numberOf(row, 'size'),
        checksum: textOf(row, 'checksum'),
        modified: textOf(row, 'modified'),
      };
    }
  }

  /** The bytes of every object and part. */
  async *usedBytes(options: CallOptions): AsyncGenerator<Bytes> {
    for (const table of ['object', 'upload']) {
      yield* this.#bytesIn(`SELECT inode, version FROM ${table}`, options);
    }
  }

  /** All bytes that there are. */
  async *storedBytes(options: CallOptions): AsyncGenerator<Bytes> {
    yield* this.#bytesIn('SELECT DISTINCT inode, version FROM inode_blocks', options);
  }

  /**
   * The chunks of these bytes in order. Blocks begin and chunks end anywhere, and either may be empty: their places are
   * what orders them. Throws `StoreError`.
   */
  async *read({ inode, version }: Bytes, options: CallOptions): AsyncGenerator<Uint8Array> {
    const blocks = 'SELECT block FROM inode_blocks WHERE inode = ? AND version = ?';
    const chunks = 'SELECT chunksize, payload FROM block WHERE inode = ? AND version = ? AND block = ?';
    let chunkBytes = PAGE_BYTES / FIRST_PAGE_CHUNKS;
    for await (const block of this.#rows(blocks, [inode, version], options)) {
      const at = [inode, version, block.get('block')];
      const pageRows = () => Math.max(1, Math.min(PAGE_CHUNKS_MAX, Math.floor(PAGE_BYTES / chunkBytes)));
      for await (const row of this.#rows(chunks, at, options, pageRows)) {
        const payload: unknown = row.get('payload');
        const bytes = payload instanceof Uint8Array ? payload : new Uint8Array();
        const sizeBytes = numberOf(row, 'chunksize');
        if (sizeBytes !== undefined && sizeBytes !== bytes.length) {
          throw new StoreError('corrupt', `A chunk of ${sizeBytes} bytes has ${bytes.length}.`);
        }
        // The largest of late: a few small ones before it must not make a page of many that are large.
        chunkBytes = Math.max(bytes.length, chunkBytes * 0.9, 1);
        if (bytes.length > 0) yield bytes;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.shutdown();
  }

  async *#bytesIn(query: string, options: CallOptions): AsyncGenerator<Bytes> {
    for await (const row of this.#rows(query, [], options)) {
      const [inode, version] = [uuidOf(row, 'inode'), uuidOf(row, 'version')];
      if (inode !== undefined && version !== undefined) yield { inode, version };
    }
  }

  async *#rows(
    query: string,
    params: readonly unknown[],
    options: CallOptions,
    pageRows: () => number = () => PAGE_ROWS,
  ): AsyncGenerator<types.Row> {
    let pageState: string | undefined;
    do {
      const page = await this.#page(query, params, { ...options, fetchSize: pageRows(), pageState });
      yield* page.rows;
      pageState = page.pageState ?? undefined;
    } while (pageState !== undefined);
  }

  async #page(
    query: string,
    params: readonly unknown[],
    {
      signal,
      fetchSize,
      pageState,
    }: CallOptions & { readonly fetchSize: number; readonly pageState?: string | undefined },
  ): Promise<types.ResultSet> {
    const settings = { prepare: true, isIdempotent: true, consistency: this.#consistency, fetchSize };
    for (let tried = 1; ; tried++) {
      try {
        const at = pageState === undefined ? {} : { pageState };
        return await untilAborted(this.#client.execute(query, params, { ...settings, ...at }), signal);
      } catch (error) {
        signal.throwIfAborted();
        if (tried === TRIES) throw storeErrorOf(error, 'read');
        await scheduler.wait(RETRY_AFTER_MS * 2 ** (tried - 1), { signal });
      }
    }
  }
}

const OBJECT = 'SELECT object, inode, version, size, checksum, atime, storageclass, acl, metadata FROM object';
const PART = 'SELECT partno, inode, version, size, checksum, modified FROM upload';

function objectOf(row: types.Row) {
  return {
    key: textOf(row, 'object') ?? '',
    inode: uuidOf(row, 'inode'),
    version: uuidOf(row, 'version'),
    sizeBytes: numberOf(row, 'size'),
    checksum: textOf(row, 'checksum'),
    atime: textOf(row, 'atime'),
    storageClass: textOf(row, 'storageclass'),
    acl: textOf(row, 'acl'),
    metadata: mapOf(row, 'metadata'),
  };
}

function textOf(row: types.Row, name: string): string | undefined {
  const value: unknown = row.get(name);
  return typeof value === 'string' ? value : undefined;
}

function uuidOf(row: types.Row, name: string): string | undefined {
  const value: unknown = row.get(name);
  return value instanceof types.Uuid ? value.toString() : undefined;
}

/** Of a bigint or an int. */
function numberOf(row: types.Row, name: string): number | undefined {
  const value: unknown = row.get(name);
  if (value === null || value === undefined) return undefined;
  return Number(String(value));
}

function mapOf(row: types.Row, name: string): ReadonlyMap<string, string> {
  const value: unknown = row.get(name);
  if (typeof value !== 'object' || value === null) return new Map();
  return new Map(Object.entries(value).map(([key, text]) => [key, String(text)]));
}
