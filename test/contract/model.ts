import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryMetastore } from '../../src/stores/memory/metastore.ts';
import type { Metastore } from '../../src/stores/metastore.ts';
import { BUCKETS, ModelRun } from './model-run.ts';
import type { BodyChoice, ConditionChoice, Place, PositionChoice, Step } from './model-steps.ts';
import { openFixture, type Subject } from './subject.ts';

/** Shortest and longest sequence, in steps. */
const STEPS_MIN = 40;
const STEPS_MAX = 150;
/** Longest time that `metastoreModel` takes, the search for a shorter sequence included, in milliseconds. */
const TIME_LIMIT_MS = 120_000;

/**
 * The store answers as the memory metastore does, step by step, in any sequence of steps. A sequence takes about 100
 * of them; thirty to fifty runs are a good number for a store that syncs.
 */
export function metastoreModel(subject: Subject<Metastore>, { runs }: { readonly runs: number }): void {
  const parameters = { runs, interruptAfterTimeLimit: TIME_LIMIT_MS, markInterruptAsFailure: true };
  describe(`Metastore of ${subject.engine} beside its model`, () => {
    test(
      `it answers as the memory metastore does in ${runs} random sequences`,
      () => checkAgainstModel(subject, parameters),
      2 * TIME_LIMIT_MS,
    );
  });
}

/**
 * Rejects with a sequence in which the store and the memory metastore differ: the shortest that is found, or with
 * `endOnFailure` the first.
 */
export async function checkAgainstModel(
  subject: Subject<Metastore>,
  { runs, ...parameters }: { readonly runs: number } & Pick<fc.Parameters, ModelParameter>,
): Promise<void> {
  const property = fc.asyncProperty(
    fc.array(STEP, { minLength: STEPS_MIN, maxLength: STEPS_MAX, size: 'max' }),
    async (steps) => {
      await using fixture = await openFixture(subject);
      const { store, clock } = fixture;
      const nowMs = (): number => clock.nowMs;
      const actual = new ModelRun(store, nowMs);
      const expected = new ModelRun(new MemoryMetastore({ nowMs }), nowMs);
      for (const step of steps) {
        if (step.kind === 'wait') clock.advance(step.ms);
        expect(await actual.take(step), JSON.stringify(step)).toEqual(await expected.take(step));
      }
      expect(await actual.survey()).toEqual(await expected.survey());
    },
  );
  await fc.assert(property, { numRuns: runs, ...parameters });
}

type ModelParameter = 'seed' | 'endOnFailure' | 'interruptAfterTimeLimit' | 'markInterruptAsFailure';

const KEYS = ['a', 'a/b', 'a/c', 'b', '\uffff', '\u{10000}'];
const TEXTS = ['', 'a', 'a/', 'a/b', 'b', '\uffff', '\u{10000}', '\u{10ffff}'];

const bucket = fc.nat({ max: BUCKETS - 1 });
/** Mostly one of the newest. */
const pick = fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 2 }) }, { weight: 1, arbitrary: fc.nat({ max: 40 }) });
const text = fc.constantFrom(...TEXTS);
const prefix = fc.oneof({ weight: 2, arbitrary: fc.constant('') }, { weight: 1, arbitrary: text });
const limit = fc.constantFrom(1, 2, 3, 1000);
const ageMs = fc.constantFrom(-1, 0, 1, 1000);
const slot = fc.constantFrom('null', 'new');
const condition = fc.oneof(
  { weight: 3, arbitrary: fc.constant<ConditionChoice>('none') },
  { weight: 2, arbitrary: fc.constantFrom<ConditionChoice>('if-any', 'if-absent', 'if-match-pick') },
);
const at: fc.Arbitrary<Place> = fc.record({ bucket, key: fc.constantFrom(...KEYS) });
const body: fc.Arbitrary<BodyChoice> = fc.oneof(
  fc.record({ kind: fc.constant('inline'), text: fc.constantFrom('', 'x', 'y') }),
  fc.record({ kind: fc.constant('new-blob') }),
  fc.record({ kind: fc.constant('any-blob'), pick }),
  fc.record({ kind: fc.constant('copy'), pick }),
);
const from: fc.Arbitrary<PositionChoice | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.record({ kind: fc.constantFrom('at-key', 'after-key', 'after-prefix'), text }),
  fc.record({ kind: fc.constant('after-version'), pick }),
);

/** Steps by how often they come. Only one bucket is ever closed, so that the others fill. */
const STEP: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('put'), at, slot, body, condition }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('delete'),
      at,
      mode: fc.constantFrom('remove', 'null-marker', 'new-marker'),
      condition,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('delete-version'), pick, condition, bypassGovernance: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('update-attributes'),
      pick,
      lock: fc.constantFrom('none', 'hold', 'governance', 'compliance'),
      isStale: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('get'), pick }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('get-current'), at }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('list'),
      bucket,
      what: fc.constantFrom('objects', 'versions'),
      prefix,
      from,
      limit,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('close-bucket'), bucket: fc.constant(0) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('create-upload'), at }) },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('put-part'),
      pick,
      partNumber: fc.integer({ min: 1, max: 4 }),
      blob: fc.constantFrom('new', 'new', 'new', 'shared', 'none'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('complete'),
      pick,
      slot,
      parts: fc.constantFrom('all', 'all', 'even', 'wrong'),
      condition,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('abort'), pick }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('list-uploads'),
      bucket,
      prefix,
      afterPick: fc.option(pick, { nil: undefined }),
      limit,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('read-manifest'), pick, offsetBytes: fc.nat({ max: 100_000 }), limit }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('intend') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('abandon'), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire'), ageMs }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reclaim'), ageMs }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('pin'),
      id: fc.constantFrom('a', 'b'),
      agoMs: fc.constantFrom(0, 500, 5000),
      forMs: fc.constantFrom(1, 2000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear-pin'), id: fc.constantFrom('a', 'b') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sweep'), ageMs }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.constantFrom(1, 700, 6000) }) },
);
