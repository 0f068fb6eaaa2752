import type { AccessKey } from '../../domain/access-key.ts';
import type { AccessKeyId } from '../../domain/names.ts';
import { compareUtf8 } from '../../domain/utf8-order.ts';
import { isKeyOf, type ManagedKeystore, type TenantName } from '../keystore.ts';
import { readAccessKey, writeAccessKey } from '../rows/access-key-rows.ts';
import type { CallOptions } from '../store.ts';
import type { Cells } from './cells.ts';
import { Register } from './register.ts';
import { StoreClock } from './store-clock.ts';
import { ACCESS_KEY } from './tables.ts';
import { WriteCheck } from './write-check.ts';

/** The keystore of a cluster: one partition a key, with its secret as it is. A list costs a scan of all keys. */
export class CassandraKeystore implements ManagedKeystore {
  readonly description: string;
  readonly #keys: Register<AccessKey>;
  readonly #check: WriteCheck;

  /** `offsetMs`: what the cluster's clock is ahead of this process', in milliseconds. */
  constructor(options: {
    readonly cells: Cells;
    readonly description: string;
    readonly nowMs: () => number;
    readonly offsetMs?: (() => number) | undefined;
  }) {
    const { cells } = options;
    this.description = options.description;
    const codec = { write: writeAccessKey, read: readAccessKey };
    this.#keys = new Register({ cells, table: ACCESS_KEY, clock: new StoreClock(options), codec });
    this.#check = new WriteCheck({ cells, table: ACCESS_KEY });
  }

  async getKey(accessKeyId: AccessKeyId, options: CallOptions): Promise<AccessKey | undefined> {
    return (await this.#keys.read(accessKeyId, options)).value;
  }

  async findTenant(name: TenantName, options: CallOptions): Promise<AccessKey | undefined> {
    options.signal.throwIfAborted();
    for await (const { value } of this.#keys.values(options)) {
      if (isKeyOf(value, name)) return value;
    }
    return undefined;
  }

  async addKey(key: AccessKey, options: CallOptions): Promise<'added' | 'exists'> {
    const { outcome } = await this.#keys.step<'added' | 'exists'>(
      key.accessKeyId,
      {
        plan: (existing) =>
          existing === undefined
            ? { kind: 'change', value: key, outcome: 'added' }
            : { kind: 'answer', outcome: 'exists' },
      },
      options,
    );
    return outcome;
  }

  async replaceKey(key: AccessKey, options: CallOptions): Promise<boolean> {
    const { outcome } = await this.#keys.step<boolean>(
      key.accessKeyId,
      {
        plan: (existing) =>
          existing === undefined ? { kind: 'answer', outcome: false } : { kind: 'change', value: key, outcome: true },
      },
      options,
    );
    return outcome;
  }

  async deleteKey(accessKeyId: AccessKeyId, options: CallOptions): Promise<boolean> {
    const { outcome } = await this.#keys.step<boolean>(
      accessKeyId,
      {
        plan: (existing) =>
          existing === undefined
            ? { kind: 'answer', outcome: false }
            : { kind: 'change', value: undefined, outcome: true },
      },
      options,
    );
    return outcome;
  }

  async listKeys(options: CallOptions): Promise<readonly AccessKey[]> {
    options.signal.throwIfAborted();
    const keys: AccessKey[] = [];
    for await (const { value } of this.#keys.values(options)) keys.push(value);
    return keys.sort((a, b) => compareUtf8(a.accessKeyId, b.accessKeyId));
  }

  async checkWritable(options: CallOptions): Promise<void> {
    await this.#check.run(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The session is its owner's to close.
  }
}
