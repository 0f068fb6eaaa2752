import { type CallOptions, StoreError } from '../store.ts';
import type { Key } from './cells.ts';
import type { ChunkReads, ReplicaCopy } from './chunk-reads.ts';
import type { CassandraSession, SendOptions } from './session.ts';

const IN_BLOCK = 'FROM s3_block WHERE store = ? AND blob_id = ? AND block = ?';
const READ_CHUNK = `SELECT value ${IN_BLOCK} AND chunk = ?`;
/** Of rows whose values nobody asks for, replicas send the keys alone. */
const READ_KEYS = `SELECT chunk ${IN_BLOCK}`;
const READ = { table: 's3_block', operation: 'read' } as const;

/** Reads chunks over a session. */
export class CqlChunkReads implements ChunkReads {
  readonly #session: CassandraSession;

  constructor(session: CassandraSession) {
    this.#session = session;
  }

  async readNearest(partition: Key, key: Key, options: CallOptions): Promise<Uint8Array | undefined> {
    return await this.#readChunk(partition, key, { ...READ, level: 'one', ...options });
  }

  async *readEach(partition: Key, key: Key, options: CallOptions): AsyncGenerator<ReplicaCopy> {
    for (const host of this.#session.replicas(partition)) {
      const replica = host.address;
      try {
        const value = await this.#readChunk(partition, key, { ...READ, level: 'one', host, ...options });
        yield { kind: 'read', replica, value };
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        yield { kind: 'unread', replica };
      }
    }
  }

  async countChunks(partition: Key, options: CallOptions): Promise<number> {
    const statement = { query: READ_KEYS, params: partition };
    return (await this.#session.send(statement, { ...READ, level: 'read', ...options })).rowLength;
  }

  async #readChunk(partition: Key, key: Key, options: SendOptions): Promise<Uint8Array | undefined> {
    const result = await this.#session.send({ query: READ_CHUNK, params: [...partition, ...key] }, options);
    const value: unknown = result.first()?.get('value');
    return value instanceof Uint8Array ? value : undefined;
  }
}
