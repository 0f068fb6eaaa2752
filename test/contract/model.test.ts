import { describe, expect, test } from 'vitest';
import type { WriteCondition } from '../../src/domain/condition.ts';
import type { BlobId, BucketId } from '../../src/domain/names.ts';
import type { ListedObject } from '../../src/domain/object-version.ts';
import { MemoryMetastore } from '../../src/stores/memory/metastore.ts';
import type { KeyRange, PutOutcome, VersionDraft } from '../../src/stores/metastore.ts';
import type { CallOptions } from '../../src/stores/store.ts';
import { memorySubject } from './memory-subject.ts';
import { checkAgainstModel } from './model.ts';

/** Fixed, so that what is caught once is caught always. */
const SEED = 20260101;

class BlindToConditions extends MemoryMetastore {
  override putVersion(
    bucketId: BucketId,
    draft: VersionDraft,
    _: WriteCondition,
    options: CallOptions,
  ): Promise<PutOutcome> {
    return super.putVersion(bucketId, draft, {}, options);
  }
}

class KeepsNullVersions extends MemoryMetastore {
  override putVersion(
    bucketId: BucketId,
    draft: VersionDraft,
    condition: WriteCondition,
    options: CallOptions,
  ): Promise<PutOutcome> {
    return super.putVersion(bucketId, { ...draft, slot: 'new' }, condition, options);
  }
}

class SeeksToThePrefix extends MemoryMetastore {
  override listObjects(range: KeyRange, options: CallOptions): Promise<readonly ListedObject[]> {
    const from =
      range.from?.kind === 'after-prefix' ? ({ kind: 'at-key', key: range.from.prefix } as const) : range.from;
    return super.listObjects({ ...range, from }, options);
  }
}

class KeepsIntents extends MemoryMetastore {
  override async abandonIntent(_id: BlobId, { signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
  }
}

class IgnoresPins extends MemoryMetastore {
  override async setPin(_pin: unknown, { signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
  }
}

const BROKEN = [BlindToConditions, KeepsNullVersions, SeeksToThePrefix, KeepsIntents, IgnoresPins];

describe('the model test', () => {
  test('passes a store that keeps the contract', async () => {
    const subject = memorySubject((nowMs) => new MemoryMetastore({ nowMs }));
    await checkAgainstModel(subject, { runs: 50, seed: SEED });
  });

  test.each(BROKEN.map((Broken) => ({ name: Broken.name, Broken })))(
    'catches a store that is $name',
    async ({ Broken }) => {
      const subject = memorySubject((nowMs) => new Broken({ nowMs }));
      const checking = checkAgainstModel(subject, { runs: 300, seed: SEED, endOnFailure: true });
      await expect(checking).rejects.toThrow('Property failed');
    },
  );
});
