import type { StorageClass } from '../domain/names.ts';
import type { Metastore } from '../stores/metastore.ts';
import type { BlobIntent } from '../stores/reclaim.ts';
import type { OpenBucket, OperationContext } from './operation.ts';

/** How old an intent may be when it is taken, in milliseconds: a fraction of the shortest grace. */
const READY_MS_MAX = 1_000;
/** Fewer bodies within that time open their own: what is opened in advance for them would be left to expire too often. */
const BODIES_MIN = 4;
/** Intents that are ready at most, for each region and storage class of a process. */
const READY_MAX = 16;
/** How long opening intents in advance may take, in milliseconds. */
const OPENING_TIMEOUT_MS = 10_000;

type IntentContext = Pick<OperationContext, 'ids' | 'clock' | 'signal'> & Pick<OpenBucket, 'region'>;

/** By metastore: all requests of a process take from the same. */
const readyIntents = new WeakMap<Metastore, Map<StorageClass, ReadyIntents>>();

/**
 * A new blob whose intent is durable. Where four or more were wanted within the last second, as many are opened in
 * advance, at one time, and a body need not wait for one. What nobody takes in time expires as that of a writer that died.
 */
export function takeIntent(context: IntentContext, storageClass: StorageClass): Promise<BlobIntent> {
  const { meta } = context.region;
  const ofRegion = readyIntents.get(meta) ?? new Map<StorageClass, ReadyIntents>();
  readyIntents.set(meta, ofRegion);
  const ready = ofRegion.get(storageClass) ?? new ReadyIntents(storageClass);
  ofRegion.set(storageClass, ready);
  return ready.take(context);
}

class ReadyIntents {
  readonly #storageClass: StorageClass;
  /** Oldest first. */
  #ready: BlobIntent[] = [];
  /** When the last ones were taken, oldest first. */
  #takenAtMs: number[] = [];
  #isOpening = false;

  constructor(storageClass: StorageClass) {
    this.#storageClass = storageClass;
  }

  async take(context: IntentContext): Promise<BlobIntent> {
    const sinceMs = context.clock.nowMs() - READY_MS_MAX;
    this.#ready = this.#ready.filter(({ atMs }) => atMs > sinceMs);
    this.#takenAtMs = this.#takenAtMs.filter((atMs) => atMs > sinceMs);
    const intent = this.#ready.shift();
    this.#openMore(context);
    this.#takenAtMs.push(context.clock.nowMs());
    if (this.#takenAtMs.length > READY_MAX) this.#takenAtMs.shift();
    return intent ?? (await this.#open(context, context.signal));
  }

  /** Where fewer than half of those are ready that were taken lately, opens what is missing of them. */
  #openMore(context: IntentContext): void {
    const wanted = this.#takenAtMs.length;
    if (this.#isOpening || wanted < BODIES_MIN || this.#ready.length >= wanted / 2) return;
    this.#isOpening = true;
    const signal = AbortSignal.timeout(OPENING_TIMEOUT_MS);
    const opening = Array.from({ length: wanted - this.#ready.length }, async () => {
      const intent = await this.#open(context, signal);
      this.#ready.push(intent);
    });
    // Whatever is wrong meets the next body that needs an intent at once.
    void Promise.allSettled(opening).then(() => {
      this.#isOpening = false;
    });
  }

  async #open({ region, clock, ids }: IntentContext, signal: AbortSignal): Promise<BlobIntent> {
    const intent = { id: ids.blobId(), storageClass: this.#storageClass, atMs: clock.nowMs() };
    await region.meta.openIntent(intent, { signal });
    return intent;
  }
}
