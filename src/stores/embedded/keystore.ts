import type { AccessKey } from '../../domain/access-key.ts';
import type { AccessKeyId } from '../../domain/names.ts';
import { isKeyOf, type ManagedKeystore, type TenantName } from '../keystore.ts';
import { readAccessKey, writeAccessKey } from '../rows/access-key-rows.ts';
import { RowReader, RowWriter } from '../rows/row-codec.ts';
import type { CallOptions } from '../store.ts';
import type { EmbeddedDatabase } from './database.ts';
import { DecodedRows } from './decoded-rows.ts';
import type { Table } from './table.ts';

const ALL = { start: Buffer.of(0), end: Buffer.of(0xff) };

/** The keystore of a directory: secrets as they are, in a file that only its owner may read. */
export class EmbeddedKeystore implements ManagedKeystore {
  readonly description: string;
  readonly #database: EmbeddedDatabase;
  readonly #keys: Table;
  readonly #byId: DecodedRows<AccessKeyId, AccessKey>;

  constructor(database: EmbeddedDatabase) {
    this.description = `${database.description}, keystore`;
    this.#database = database;
    this.#keys = database.openTables((open) => open('keys'));
    this.#byId = new DecodedRows(this.#keys, decodeKey);
  }

  async getKey(accessKeyId: AccessKeyId, { signal }: CallOptions): Promise<AccessKey | undefined> {
    signal.throwIfAborted();
    return this.#database.read(() => this.#byId.get(accessKeyId));
  }

  async findTenant(name: TenantName, options: CallOptions): Promise<AccessKey | undefined> {
    return (await this.listKeys(options)).find((key) => isKeyOf(key, name));
  }

  async addKey(key: AccessKey, { signal }: CallOptions): Promise<'added' | 'exists'> {
    const rowKey = Buffer.from(key.accessKeyId);
    return await this.#database.write(
      (change) => {
        if (this.#keys.has(rowKey)) return 'exists';
        change.put(this.#keys, rowKey, encodeKey(key));
        return 'added';
      },
      { signal, needsSpace: true },
    );
  }

  async replaceKey(key: AccessKey, { signal }: CallOptions): Promise<boolean> {
    const rowKey = Buffer.from(key.accessKeyId);
    return await this.#database.write(
      (change) => {
        const isThere = this.#keys.has(rowKey);
        if (isThere) change.put(this.#keys, rowKey, encodeKey(key));
        return isThere;
      },
      { signal, needsSpace: true },
    );
  }

  async deleteKey(accessKeyId: AccessKeyId, { signal }: CallOptions): Promise<boolean> {
    const rowKey = Buffer.from(accessKeyId);
    return await this.#database.write(
      (change) => {
        const isThere = this.#keys.has(rowKey);
        if (isThere) change.remove(this.#keys, rowKey);
        return isThere;
      },
      { signal, needsSpace: false },
    );
  }

  async listKeys({ signal }: CallOptions): Promise<readonly AccessKey[]> {
    signal.throwIfAborted();
    return this.#database.read(() => Array.from(this.#keys.range(ALL), ({ value }) => decodeKey(value)));
  }

  async checkWritable(options: CallOptions): Promise<void> {
    await this.#database.checkWritable(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The database is its owner's to close.
  }
}

function encodeKey(key: AccessKey): Buffer {
  const row = new RowWriter();
  writeAccessKey(row, key);
  return row.finish();
}

function decodeKey(value: Buffer): AccessKey {
  return readAccessKey(new RowReader(value));
}
