import { checkWriteCondition, type WriteCondition } from '../../domain/condition.ts';
import { type BucketId, NULL_VERSION_ID, type VersionId } from '../../domain/names.ts';
import {
  isLocked,
  type ObjectVersion,
  type StoredObject,
  type VersionAttributes,
} from '../../domain/object-version.ts';
import type {
  ConditionFailed,
  DeleteDraft,
  DeleteGuard,
  DeleteOutcome,
  DeleteVersionOutcome,
  PutOutcome,
  VersionAddress,
  VersionDraft,
} from '../metastore.ts';
import type { CallOptions } from '../store.ts';
import {
  type KeyChange,
  type KeyState,
  pushVersion,
  removeCurrent,
  removeOlder,
  replaceVersion,
  type SharedBody,
} from './key-head.ts';
import type { KeyProtocol } from './key-protocol.ts';
import type { KeyAddress, KeyReader } from './key-reader.ts';
import type { KeyPlan } from './key-step.ts';
import { orderOfVersionId, type VersionRecord, versionIdOf, versionOf } from './version-rows.ts';

type IdentifiedVersion = VersionAddress & { readonly versionId: VersionId };

/** What S3's writes mean for the versions of a key; how they become one step is the protocol's. */
export class Versions {
  readonly #protocol: KeyProtocol;
  readonly #reader: KeyReader;

  constructor({ protocol, reader }: { protocol: KeyProtocol; reader: KeyReader }) {
    this.#protocol = protocol;
    this.#reader = reader;
  }

  async get(at: VersionAddress, options: CallOptions): Promise<ObjectVersion | undefined> {
    const record =
      at.versionId === undefined
        ? (await this.#reader.head(at, options)).head.current
        : await this.#reader.version(at, at.versionId, options);
    return record === undefined ? undefined : versionOf(record, at.key);
  }

  async put(
    bucketId: BucketId,
    draft: VersionDraft,
    condition: WriteCondition,
    options: CallOptions,
  ): Promise<PutOutcome> {
    const { slot, key, ...object } = draft;
    const at = { bucketId, key };
    const takes = sharedBody(draft);
    return await this.#protocol.step<PutOutcome>(
      at,
      {
        isUnconditional: isAlways(condition),
        ...(takes === undefined ? {} : { takes }),
        plan: async (state, { op, sequence }) => {
          const failure = failedCondition(condition, state.head.current);
          if (failure !== undefined) return { kind: 'answer', outcome: failure };
          const isNull = slot === 'null';
          const record = { ...object, kind: 'object', order: sequence, op, isNull, attributesRevision: 1 } as const;
          const older = await this.olderNull(at, state, isNull, options);
          const version = storedObject(record, at);
          return {
            kind: 'change',
            change: pushVersion(state.head, record, older),
            outcome: { kind: 'stored', version },
          };
        },
      },
      options,
    );
  }

  async deleteCurrent(
    bucketId: BucketId,
    draft: DeleteDraft,
    condition: WriteCondition,
    options: CallOptions,
  ): Promise<DeleteOutcome> {
    const { mode, key, lastModifiedMs, owner } = draft;
    const at = { bucketId, key };
    return await this.#protocol.stepWithoutBody<DeleteOutcome>(
      at,
      {
        isUnconditional: isAlways(condition) && mode !== 'remove',
        plan: async (state, { op, sequence }) => {
          const failure = failedCondition(condition, state.head.current);
          if (failure !== undefined) return { kind: 'answer', outcome: failure };
          if (mode === 'remove') return await this.#planRemoveNull(at, state, options);
          const isNull = mode === 'null-marker';
          const record = { kind: 'delete-marker', order: sequence, op, isNull, lastModifiedMs, owner } as const;
          const older = await this.olderNull(at, state, isNull, options);
          const marker = { kind: 'delete-marker', key, versionId: versionIdOf(record), lastModifiedMs, owner } as const;
          const change = pushVersion(state.head, record, older);
          return { kind: 'change', change, outcome: { kind: 'deleted', marker } };
        },
      },
      options,
    );
  }

  async deleteVersion(at: IdentifiedVersion, guard: DeleteGuard, options: CallOptions): Promise<DeleteVersionOutcome> {
    const plan = async (state: KeyState): Promise<KeyPlan<DeleteVersionOutcome>> => {
      const record = await this.#find(at, state, options);
      if (record === undefined) return { kind: 'answer', outcome: { kind: 'not-found' } };
      const failure = failedCondition(guard.condition, record);
      if (failure !== undefined) return { kind: 'answer', outcome: failure };
      if (record.kind === 'object' && isLocked(record.attributes, guard)) {
        return { kind: 'answer', outcome: { kind: 'locked' } };
      }
      const change = await this.#remove(at, state, record, options);
      return { kind: 'change', change, outcome: { kind: 'deleted', was: record.kind } };
    };
    return await this.#protocol.stepWithoutBody({ bucketId: at.bucketId, key: at.key }, { plan }, options);
  }

  async updateAttributes(
    at: IdentifiedVersion,
    { attributes, revision }: { attributes: VersionAttributes; revision: number },
    options: CallOptions,
  ): Promise<'updated' | 'changed' | 'not-found'> {
    const plan = async (state: KeyState): Promise<KeyPlan<'updated' | 'changed' | 'not-found'>> => {
      const record = await this.#find(at, state, options);
      if (record?.kind !== 'object') return { kind: 'answer', outcome: 'not-found' };
      if (record.attributesRevision !== revision) return { kind: 'answer', outcome: 'changed' };
      const updated = { ...record, attributes, attributesRevision: revision + 1 };
      return { kind: 'change', change: replaceVersion(state.head, updated), outcome: 'updated', isUnlisted: true };
    };
    const outcome = await this.#protocol.stepWithoutBody({ bucketId: at.bucketId, key: at.key }, { plan }, options);
    // In a closed bucket there is no version.
    return typeof outcome === 'string' ? outcome : 'not-found';
  }

  /** The null version where a new one in that slot replaces an older row. */
  async olderNull(
    at: KeyAddress,
    { head }: KeyState,
    isNull: boolean,
    options: CallOptions,
  ): Promise<VersionRecord | undefined> {
    if (!isNull || head.nullOrder === undefined || head.nullOrder === head.current?.order) return undefined;
    return await this.#reader.olderAt(at, head.nullOrder, { ...options, isSerial: true });
  }

  async #planRemoveNull(at: KeyAddress, state: KeyState, options: CallOptions): Promise<KeyPlan<DeleteOutcome>> {
    const outcome = { kind: 'deleted', marker: undefined } as const;
    const record = await this.#find({ ...at, versionId: NULL_VERSION_ID }, state, options);
    if (record === undefined) return { kind: 'answer', outcome };
    return { kind: 'change', change: await this.#remove(at, state, record, options), outcome };
  }

  /** A version as the state has it. Rows are read through consensus: they are as new as the head, or newer. */
  async #find(at: IdentifiedVersion, { head }: KeyState, options: CallOptions): Promise<VersionRecord | undefined> {
    const { current } = head;
    if (current !== undefined && versionIdOf(current) === at.versionId) return current;
    const order = at.versionId === NULL_VERSION_ID ? head.nullOrder : orderOfVersionId(at.versionId);
    if (order === undefined || head.olderCount === 0) return undefined;
    const older = await this.#reader.olderAt(at, order, { ...options, isSerial: true });
    return older !== undefined && versionIdOf(older) === at.versionId ? older : undefined;
  }

  async #remove(at: KeyAddress, { head }: KeyState, record: VersionRecord, options: CallOptions): Promise<KeyChange> {
    if (record.order !== head.current?.order) return removeOlder(head, record);
    const next = head.olderCount === 0 ? undefined : await this.#reader.newestOlder(at, options);
    return removeCurrent(head, next);
  }
}

export function failedCondition(
  condition: WriteCondition,
  version: VersionRecord | undefined,
): ConditionFailed | undefined {
  const result = checkWriteCondition(condition, version?.kind === 'object' ? version : undefined);
  return result === 'holds' ? undefined : { kind: 'condition-failed', reason: result };
}

/** The version that a step stores, as callers see it. */
export function storedObject(record: VersionRecord, at: KeyAddress): StoredObject {
  const version = versionOf(record, at.key);
  if (version.kind !== 'object') throw new TypeError('A delete marker is no stored object.');
  return version;
}

function sharedBody({ body }: VersionDraft): SharedBody | undefined {
  return body.kind === 'inline' ? undefined : body;
}

function isAlways(condition: WriteCondition): boolean {
  return Object.values(condition).every((value) => value === undefined);
}
