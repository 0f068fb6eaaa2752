import type { AccessKey } from '../../domain/access-key.ts';
import { type AccessKeyId, parseAccessKeyId, parseTenantId } from '../../domain/names.ts';
import { Secret } from '../../domain/secret.ts';
import type { ManagedKeystore } from '../keystore.ts';
import { type CallOptions, StoreError } from '../store.ts';
import type { EmbeddedDatabase } from './database.ts';
import { RowReader, RowWriter } from './row-codec.ts';
import type { Table } from './table.ts';

const ALL = { start: Buffer.of(0), end: Buffer.of(0xff) };
const NOT_MASTER = 0;
const MASTER = 1;

/** The keystore of a directory: secrets as they are, in a file that only its owner may read. */
export class EmbeddedKeystore implements ManagedKeystore {
  readonly description: string;
  readonly #database: EmbeddedDatabase;
  readonly #keys: Table;

  constructor(database: EmbeddedDatabase) {
    this.description = `${database.description}, keystore`;
    this.#database = database;
    this.#keys = database.openTables((open) => open('keys'));
  }

  async getKey(accessKeyId: AccessKeyId, { signal }: CallOptions): Promise<AccessKey | undefined> {
    signal.throwIfAborted();
    const row = this.#database.read(() => this.#keys.get(Buffer.from(accessKeyId)));
    return row && decodeKey(row);
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

function encodeKey({ accessKeyId, secret, tenant, displayName, master, memberOf }: AccessKey): Buffer {
  const row = new RowWriter().text(accessKeyId).text(secret.reveal()).text(tenant).text(displayName);
  row.byte(master ? MASTER : NOT_MASTER).integer(memberOf.length);
  for (const group of memberOf) row.text(group);
  return row.finish();
}

function decodeKey(value: Buffer): AccessKey {
  const row = new RowReader(value);
  const accessKeyId = parseAccessKeyId(row.text());
  if (accessKeyId === undefined) throw new StoreError('corrupt', 'The keystore has a key whose id is none.');
  return {
    accessKeyId,
    secret: new Secret(row.text()),
    tenant: parseTenantId(row.text()),
    displayName: row.text(),
    master: row.byte() === MASTER,
    memberOf: Array.from({ length: row.integer() }, () => row.text()),
  };
}
