import { type BucketId, parseBlobId, parseBucketId, parseObjectKey, type VersionId } from '../../src/domain/names.ts';
import type { BlobAddress } from '../../src/domain/object-version.ts';
import type { Cells } from '../../src/stores/cassandra/cells.ts';
import { CassandraMetastore } from '../../src/stores/cassandra/metastore.ts';
import type { Metastore, VersionDraft } from '../../src/stores/metastore.ts';
import { StoreError } from '../../src/stores/store.ts';
import { collect, deleteDraft, guardAt, inlineDraft, must, OPTIONS, STANDARD } from '../contract/drafts.ts';
import { ABSENT, type Expectation, type HistoryEntry, type Response, type Value } from '../history/history.ts';
import { checkHistory } from '../history/linearizable.ts';
import { conditionOf, draftOf, expectationOf, sideBucketOf } from './protocol-drafts.ts';
import { randomNumbers, Scheduler, SimulatedProcess } from './scheduler.ts';
import { SimulatedCells } from './simulated-cells.ts';
import { SimulatedCluster, type Weather } from './simulated-cluster.ts';

export interface ProtocolRun {
  readonly seed: number;
  readonly weather: Weather;
  readonly gateways: number;
  readonly clients: number;
  readonly operations: number;
  /** Processes are held and end now and then, and a replica goes away. */
  readonly hasAccidents: boolean;
  readonly keys: readonly string[];
  /** Ranges are split and written anew all the time. */
  readonly hasTinyRanges: boolean;
  /** Half of the puts go beside older versions, and versions are deleted one by one. */
  readonly isVersioned?: boolean;
  /** The attempts whose names a key remembers, where not as many as usual. */
  readonly rememberedMax?: number;
  /** What a broken variant puts between the metastore and its cells. */
  readonly breakCells?: (cells: Cells) => Cells;
  readonly breakStore?: (store: CassandraMetastore) => Metastore;
}

export interface RunReport {
  readonly problems: readonly string[];
  readonly operations: number;
  readonly traceHash: string;
}

const BUCKET = parseBucketId('b'.repeat(32));
/** The graces of reclaim, in virtual milliseconds: shorter than a process may be held. */
const GRACE_MS = 1_500;
const HOLD_MS_MAX = 6_000;
const MARK_AGE_MS_MAX = 300;
/** From one attempt to close a bucket to the next. */
const CLOSE_MS = 700;
const SKEW_MS_MAX = 6 * 3_600_000;
const EPOCH_MS = Date.UTC(2026, 0, 1);
const TINY_RANGES = { bytesMax: 2_000, rowsMax: 12, deadRowsMax: 3 };

/** One run of clients over simulated gateways and replicas, and what is wrong with what they saw. */
export async function runProtocol(run: ProtocolRun): Promise<RunReport> {
  const scheduler = new Scheduler(run.seed);
  return await scheduler.until(new Simulation(run, scheduler).report());
}

class Gateway {
  readonly process: SimulatedProcess;
  readonly store: Metastore;
  readonly inner: CassandraMetastore;
  /** Its own clock, hours off: the store moves what it is told to the cluster's. */
  readonly nowMs: () => number;

  constructor(run: ProtocolRun, cluster: SimulatedCluster, name: string) {
    const { scheduler } = cluster;
    this.process = new SimulatedProcess(scheduler, name);
    const skewMs = scheduler.between(-SKEW_MS_MAX, SKEW_MS_MAX);
    this.nowMs = () => EPOCH_MS + scheduler.nowMs + skewMs;
    const cells = new SimulatedCells(cluster, this.process);
    this.inner = new CassandraMetastore({
      cells: run.breakCells?.(cells) ?? cells,
      store: 'region',
      description: 'simulated',
      nowMs: this.nowMs,
      // Known but for the time that it takes to ask.
      offsetMs: () => -skewMs,
      monotonicMs: () => scheduler.nowMs,
      pause: (ms) => this.process.sleep(ms),
      random: scheduler.random,
      markAgeMsMax: MARK_AGE_MS_MAX,
      ...(run.hasTinyRanges ? { rangeLimits: TINY_RANGES } : {}),
      ...(run.rememberedMax === undefined ? {} : { rememberedMax: run.rememberedMax }),
    });
    this.store = run.breakStore?.(this.inner) ?? this.inner;
  }
}

class Simulation {
  readonly #run: ProtocolRun;
  readonly #scheduler: Scheduler;
  readonly #cluster: SimulatedCluster;
  readonly #entries: HistoryEntry[] = [];
  readonly #problems: string[] = [];
  /** Blobs whose bytes were deleted, and when that began. */
  readonly #deletedAt = new Map<string, number>();
  readonly #blobs: BlobAddress[] = [];
  /** Puts into buckets that are being closed which were said to be stored. */
  readonly #storedIn = new Map<BucketId, number>();
  readonly #closed: BucketId[] = [];
  /** Versions beside others that were said to be stored, and not to be deleted. */
  readonly #versions = new Map<string, { readonly key: string; readonly id: VersionId }>();
  #sideBucket = sideBucketOf(0);
  #gateways: Gateway[] = [];
  #isOver = false;
  #blobCount = 0;

  constructor(run: ProtocolRun, scheduler: Scheduler) {
    this.#run = run;
    this.#scheduler = scheduler;
    this.#cluster = new SimulatedCluster(scheduler, run.weather);
  }

  async report(): Promise<RunReport> {
    this.#gateways = Array.from({ length: this.#run.gateways }, (_, index) => this.#newGateway(index));
    const clients = Array.from({ length: this.#run.clients }, (_, index) => this.#client(index));
    const side = [this.#reclaimer(), this.#closer(), ...(this.#run.hasAccidents ? [this.#accidents()] : [])];
    await Promise.all(clients);
    this.#isOver = true;
    await Promise.all(side);
    await this.#recover();
    const verdict = checkHistory(this.#entries);
    if (verdict.kind !== 'linearizable') {
      const around = 'around' in verdict ? verdict.around : [];
      this.#problems.push(`Key ${verdict.key} is ${verdict.kind}: ${JSON.stringify(around)}`);
    }
    if (this.#problems.length > 0) this.#problems.push(`seed ${this.#run.seed}\n${this.#scheduler.tail()}`);
    return {
      problems: this.#problems,
      operations: this.#entries.length,
      traceHash: this.#scheduler.traceHash(),
    };
  }

  #newGateway(index: number): Gateway {
    return new Gateway(this.#run, this.#cluster, `gateway ${index}`);
  }

  /** Clients of a gateway that ends hear nothing more from it, and go to another. */
  async #client(index: number): Promise<void> {
    const random = randomNumbers(this.#run.seed * 7919 + index);
    const seen = new Map<string, Value>();
    for (let count = 0; count < this.#run.operations / this.#run.clients; count++) {
      const gateway = must(this.#gateways[Math.floor(random() * this.#gateways.length)]);
      const key = must(this.#run.keys[Math.floor(random() * this.#run.keys.length)]);
      await this.#operation(gateway, { client: index, key, random, seen, stamp: `${index}/${count}` });
    }
  }

  async #operation(
    gateway: Gateway,
    step: { client: number; key: string; random: () => number; seen: Map<string, Value>; stamp: string },
  ): Promise<void> {
    const { client, key, random, seen, stamp } = step;
    const beganAt = this.#scheduler.nowMs;
    const kind = random();
    const expected = expectationOf(random(), seen.get(key) ?? ABSENT);
    if (random() < 0.1) return await this.#putAside(gateway, stamp);
    if (this.#run.isVersioned === true && random() < 0.4) return await this.#versionStep(gateway, key, stamp, random);
    const end = (request: HistoryEntry['request'], response: Response): void => {
      this.#entries.push({ client, key, request, response, beganAt, endedAt: this.#scheduler.nowMs });
      if (response.kind === 'value') seen.set(key, response.value);
      else if (response.kind === 'done') seen.set(key, request.kind === 'put' ? request.value : ABSENT);
    };
    if (kind < 0.25) {
      end({ kind: 'get' }, await this.#ask(gateway, () => this.#get(gateway.store, key)));
    } else if (kind < 0.4) {
      await this.#list(gateway, client, beganAt);
    } else if (kind < 0.75) {
      const draft = draftOf(key, stamp);
      const request = { kind: 'put', value: draft.etag, ...(expected === undefined ? {} : { expected }) } as const;
      const put = random() < 0.4 ? this.#putBlob(gateway, draft, expected) : undefined;
      const answer = put === undefined ? () => this.#put(gateway.store, draft, expected) : () => put;
      end(request, await this.#ask(gateway, answer));
    } else {
      const request = { kind: 'delete', ...(expected === undefined ? {} : { expected }) } as const;
      end(request, await this.#ask(gateway, () => this.#delete(gateway.store, key, expected)));
    }
  }

  /** A put into a bucket that somebody tries to delete. */
  async #putAside(gateway: Gateway, stamp: string): Promise<void> {
    const bucketId = this.#sideBucket;
    const put = async (): Promise<Response> => {
      const outcome = await gateway.store.putVersion(bucketId, inlineDraft(`aside ${stamp}`, stamp), {}, OPTIONS);
      return outcome.kind === 'stored' ? { kind: 'done' } : { kind: 'refused' };
    };
    const response = await this.#ask(gateway, put);
    if (response.kind === 'done') this.#storedIn.set(bucketId, (this.#storedIn.get(bucketId) ?? 0) + 1);
  }

  async #closer(): Promise<void> {
    for (let count = 0; !this.#isOver; ) {
      await this.#scheduler.sleep(this.#scheduler.between(0, CLOSE_MS));
      const bucketId = this.#sideBucket;
      const gateway = must(this.#gateways[Math.floor(this.#scheduler.random() * this.#gateways.length)]);
      const close = gateway.store.closeBucket(bucketId, OPTIONS).catch((error: unknown) => {
        if (!(error instanceof StoreError)) throw error;
        return 'in doubt' as const;
      });
      const outcome = await Promise.race([close, this.#untilCrashed(gateway).then(() => 'in doubt' as const)]);
      if (outcome === 'closed') this.#closed.push(bucketId);
      if (outcome !== 'in doubt') this.#sideBucket = sideBucketOf(++count);
    }
  }

  /** Puts a version beside the others of a key of its own kind, or deletes one for good. */
  async #versionStep(gateway: Gateway, name: string, stamp: string, random: () => number): Promise<void> {
    const key = must(parseObjectKey(`versions of ${name}`));
    const ofKey = [...this.#versions].filter(([, version]) => version.key === key);
    const known = random() < 0.6 ? ofKey.at(-1) : ofKey[Math.floor(random() * ofKey.length)];
    if (known !== undefined && random() < 0.4) {
      const [label, { id }] = known;
      this.#versions.delete(label);
      await this.#ask(gateway, async () => {
        await gateway.store.deleteVersion({ bucketId: BUCKET, key, versionId: id }, guardAt(0), OPTIONS);
        return { kind: 'done' };
      });
      return;
    }
    await this.#ask(gateway, async () => {
      const draft = inlineDraft(key, stamp, { slot: 'new' });
      const outcome = await gateway.store.putVersion(BUCKET, draft, {}, OPTIONS);
      if (outcome.kind !== 'stored') return { kind: 'refused' };
      this.#versions.set(stamp, { key, id: outcome.version.versionId });
      return { kind: 'done' };
    });
    const picked = [...this.#versions].find(([, version]) => version.key === key);
    if (picked === undefined) return;
    const [label, { id }] = picked;
    await this.#ask(gateway, async () => {
      const found = await gateway.store.getVersion({ bucketId: BUCKET, key, versionId: id }, OPTIONS);
      if (found === undefined && this.#versions.has(label)) this.#problems.push(`Version ${label} was not found.`);
      return { kind: 'done' };
    });
  }

  /** The answer of a gateway; nothing is heard of one that has ended. */
  async #ask(gateway: Gateway, ask: () => Promise<Response>): Promise<Response> {
    const answer = ask().catch((error: unknown): Response => {
      if (error instanceof StoreError) return { kind: 'in-doubt' };
      throw error;
    });
    const lost = this.#untilCrashed(gateway).then((): Response => ({ kind: 'in-doubt' }));
    return await Promise.race([answer, lost]);
  }

  async #untilCrashed(gateway: Gateway): Promise<void> {
    while (!gateway.process.isCrashed) await this.#scheduler.sleep(50);
  }

  async #get(store: Metastore, key: string): Promise<Response> {
    const beganAt = this.#scheduler.nowMs;
    const version = await store.getVersion({ bucketId: BUCKET, key: must(parseObjectKey(key)) }, OPTIONS);
    if (version?.kind !== 'object') return { kind: 'value', value: ABSENT };
    const { body, etag } = version;
    const deletedAt = body.kind === 'blob' ? this.#deletedAt.get(body.blob.id) : undefined;
    if (deletedAt !== undefined && deletedAt < beganAt) {
      this.#problems.push(`Key ${key} was read at ${beganAt}, and its bytes were deleted at ${deletedAt}.`);
    }
    return { kind: 'value', value: etag };
  }

  async #put(store: Metastore, draft: VersionDraft, expected: Expectation | undefined): Promise<Response> {
    const outcome = await store.putVersion(BUCKET, draft, conditionOf(expected), OPTIONS);
    if (outcome.kind === 'stored') return { kind: 'done' };
    // The blob of a writer that was held for too long is gone: the client hears of a failure, and nothing changed.
    return outcome.kind === 'condition-failed' ? { kind: 'refused' } : { kind: 'in-doubt' };
  }

  async #putBlob({ store, nowMs }: Gateway, draft: VersionDraft, expected: Expectation | undefined): Promise<Response> {
    const id = parseBlobId((++this.#blobCount).toString(16).padStart(32, '0'));
    const blob: BlobAddress = { id, storageClass: STANDARD, sizeBytes: 20_000 };
    this.#blobs.push(blob);
    try {
      await store.openIntent({ id, storageClass: STANDARD, atMs: nowMs() }, OPTIONS);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return { kind: 'in-doubt' };
    }
    return await this.#put(store, { ...draft, body: { kind: 'blob', blob } }, expected);
  }

  async #delete(store: Metastore, key: string, expected: Expectation | undefined): Promise<Response> {
    const outcome = await store.deleteCurrent(BUCKET, deleteDraft(key, 'remove'), conditionOf(expected), OPTIONS);
    return outcome.kind === 'deleted' ? { kind: 'done' } : { kind: 'refused' };
  }

  async #list(gateway: Gateway, client: number, beganAt: number): Promise<void> {
    const listing = gateway.store
      .listObjects({ bucketId: BUCKET, prefix: '', from: undefined, limit: 1000 }, OPTIONS)
      .catch((error: unknown) => {
        if (error instanceof StoreError) return undefined;
        throw error;
      });
    const rows = await Promise.race([listing, this.#untilCrashed(gateway).then(() => undefined)]);
    if (rows === undefined) return;
    const values = new Map<string, Value>(rows.map((row) => [row.key, row.etag]));
    for (const key of this.#run.keys) {
      const response = { kind: 'value', value: values.get(key) ?? ABSENT } as const;
      this.#entries.push({ client, key, request: { kind: 'get' }, response, beganAt, endedAt: this.#scheduler.nowMs });
    }
  }

  async #reclaimer(): Promise<void> {
    while (!this.#isOver) {
      await this.#scheduler.sleep(500);
      const gateway = must(this.#gateways[Math.floor(this.#scheduler.random() * this.#gateways.length)]);
      const work = this.#reclaim(gateway, GRACE_MS).catch((error: unknown) => {
        if (!(error instanceof StoreError)) throw error;
      });
      await Promise.race([work, this.#untilCrashed(gateway)]);
    }
  }

  async #reclaim(gateway: Gateway, graceMs: number): Promise<void> {
    const { store } = gateway;
    const nowMs = gateway.nowMs();
    await store.expireIntents({ beforeMs: nowMs - graceMs, limit: 100 }, OPTIONS);
    const range = { beforeMs: nowMs - graceMs, nowMs, limit: 100 };
    const blobs = await store.listReclaimable(range, OPTIONS);
    for (const { id } of blobs) this.#deletedAt.set(id, this.#deletedAt.get(id) ?? this.#scheduler.nowMs);
    await store.forgetReclaimed(
      blobs.map(({ id }) => id),
      OPTIONS,
    );
  }

  async #accidents(): Promise<void> {
    while (!this.#isOver) {
      await this.#scheduler.sleep(this.#scheduler.between(100, 2_000));
      const index = Math.floor(this.#scheduler.random() * this.#gateways.length);
      const gateway = must(this.#gateways[index]);
      const kind = this.#scheduler.random();
      if (kind < 0.5) {
        gateway.process.hold();
        this.#scheduler.after(this.#scheduler.between(0, HOLD_MS_MAX), () => gateway.process.resume());
      } else if (kind < 0.75) {
        gateway.process.crash();
        this.#gateways[index] = this.#newGateway(index);
      } else {
        this.#cluster.setDown(Math.floor(this.#scheduler.random() * 3));
        await this.#scheduler.sleep(this.#scheduler.between(0, 1_000));
        this.#cluster.setDown(undefined);
      }
    }
  }

  /** A gateway that knows nothing of what was looks after it all: then nothing may be left, and nothing missing. */
  async #recover(): Promise<void> {
    await this.#scheduler.sleep(2 * HOLD_MS_MAX + 20_000);
    const last = new Gateway(this.#run, this.#cluster, 'the last gateway');
    const { inner: store } = last;
    for (let round = 0; round < 3; round++) {
      await this.#reclaim(last, -3_600_000);
      await this.#scheduler.sleep(1_000);
    }
    const listed = await store.listObjects({ bucketId: BUCKET, prefix: '', from: undefined, limit: 1000 }, OPTIONS);
    const keys = new Set<string>(listed.map(({ key }) => key));
    for (const key of this.#run.keys) await this.#checkKey(store, key, keys);
    const held = new Set<string>();
    for await (const { bucketId, version } of store.scanVersions(OPTIONS)) {
      if (this.#closed.includes(bucketId)) this.#problems.push(`A closed bucket has key ${version.key}.`);
      if (version.kind === 'object' && version.body.kind === 'blob') held.add(version.body.blob.id);
    }
    for (const { id } of this.#blobs) {
      const state = await store.getBlobState(id, OPTIONS);
      const isRight = held.has(id) ? state === 'referenced' : state === 'reclaimable' || state === 'unknown';
      if (!isRight) this.#problems.push(`Blob ${id} is ${state}, and ${held.has(id) ? 'in use' : 'in no use'}.`);
      if (held.has(id) && this.#deletedAt.has(id)) this.#problems.push(`Blob ${id} is in use, and its bytes are gone.`);
    }
    for (const [label, { key, id }] of this.#versions) {
      const at = { bucketId: BUCKET, key: must(parseObjectKey(key)), versionId: id };
      if ((await store.getVersion(at, OPTIONS)) === undefined) this.#problems.push(`Version ${label} was lost.`);
    }
    for (const bucketId of this.#closed) {
      const stored = this.#storedIn.get(bucketId) ?? 0;
      if (stored > 0) this.#problems.push(`${stored} objects were stored in a bucket that was closed as empty.`);
    }
    this.#problems.push(...(await collect(store.checkConsistency(OPTIONS))));
  }

  async #checkKey(store: Metastore, key: string, listed: ReadonlySet<string>): Promise<void> {
    const beganAt = this.#scheduler.nowMs;
    const response = await this.#get(store, key);
    this.#entries.push({
      client: -1,
      key,
      request: { kind: 'get' },
      response,
      beganAt,
      endedAt: this.#scheduler.nowMs,
    });
    const isThere = response.kind === 'value' && response.value !== ABSENT;
    if (isThere !== listed.has(key))
      this.#problems.push(`Key ${key} is ${isThere ? '' : 'not '}there and not so listed.`);
  }
}
