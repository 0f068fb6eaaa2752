import type { Database, RootDatabase } from 'lmdb';
import { RowReader, RowWriter } from '../rows/row-codec.ts';
import { type CallOptions, StoreError } from '../store.ts';
import { DiskSpace } from './disk-space.ts';
import { type Durability, makeDirectory, syncDirectory } from './durable-directory.ts';
import { errorCode, MAP_BYTES, METADATA_FILE, openEnvironment, tableNames } from './environment.ts';
import { guard, unguard } from './exit-guard.ts';
import { isMarked, markerPath, markForCheck } from './failure-marker.ts';
import { reusableBytes } from './free-pages.ts';
import { makeMetadataFile } from './metadata-file.ts';
import { Change, Table } from './table.ts';
import { WriteGate } from './write-gate.ts';

export interface DatabaseOptions {
  /** Made where it is missing. */
  readonly directory: string;
  readonly durability: Durability;
  /** Largest size of the metadata, in bytes; 1 TiB unless given. The same for all processes. */
  readonly mapSizeBytes?: number;
  /** Writes that need space are refused while less is free, in bytes; unless given, 1 GiB or 2 % of a small disk. */
  readonly diskFreeBytesMin?: number;
  /** Called once, when the process must end: a commit failed, and no later one can be trusted. */
  readonly onFatal?: (error: StoreError) => void;
}

export interface WriteOptions extends CallOptions {
  /** Whether the step makes data grow: it is refused below the disk-full watermark. */
  readonly needsSpace: boolean;
}

/** How often waiting commits are looked after, in milliseconds. */
const WATCH_INTERVAL_MS = 1_000;
/** A commit that was looked after this often is in doubt. Not a time: a process that was paused has lost none. */
const WATCHES_MAX = 30;
/** A commit that was looked after this often will never end: LMDB can hang after an error, and the process must end. */
const HOPELESS_WATCHES = 600;
/** How often the places of readers that died are freed, in milliseconds. */
const READER_CHECK_INTERVAL_MS = 60_000;

/** Version of the tables' layout in one directory. */
const LAYOUT = 1;
const LAYOUT_KEY = Buffer.from('layout');
const PROBE_KEY = Buffer.from('probe');

const MDB_BAD_TXN = -30782;
const MDB_MAP_FULL = -30792;
const MDB_CORRUPTED = -30796;
const MDB_PAGE_NOTFOUND = -30797;
const EIO = 5;
const ENOSPC = 28;
const EDQUOT = 122;
/** LMDB failed to write a meta page, and takes no call of this process from then on; lmdb gives it another's code. */
const GIVEN_UP = /MDB_PANIC/;
/** ENOSPC and EDQUOT, where lmdb copies a file. */
const COPY_FULL = /No space left on device|Disk quota exceeded/;

interface PendingCommit {
  readonly signal: AbortSignal;
  readonly reject: (reason: unknown) => void;
  watches: number;
}

/** Opens the metadata of a directory, whose keystore, bucketstore and metastores share it; other processes may too. */
export async function openDatabase(options: DatabaseOptions): Promise<EmbeddedDatabase> {
  const { directory, durability, mapSizeBytes = MAP_BYTES } = options;
  await makeDirectory(directory, durability);
  if (isMarked(directory)) {
    throw new StoreError(
      'unavailable',
      `A write to ${directory} failed, and ${markerPath(directory)} asks for a check: stop every process that uses it, then start the server, which checks it first.`,
    );
  }
  await makeMetadataFile(directory, durability);
  const environment = { directory, file: METADATA_FILE, durability, mapBytes: mapSizeBytes };
  const { gate, opened: root } = await WriteGate.open(directory, () => openEnvironment(environment));
  const database = new EmbeddedDatabase({ root, gate }, options);
  if (durability === 'strict') await syncDirectory(directory);
  return database;
}

/**
 * One LMDB environment: ordered tables, snapshots to read, and steps to write that are atomic and durable.
 *
 * Steps of one process that wait at the same time share one commit and one sync. A commit that fails ends the
 * process: it is never repeated, `failed` resolves, and a marker asks for a check at the next start.
 */
export class EmbeddedDatabase implements AsyncDisposable {
  readonly directory: string;
  readonly description: string;
  /** Resolves when the process must end. */
  readonly failed: Promise<StoreError>;
  readonly #root: RootDatabase<Buffer, Buffer>;
  readonly #gate: WriteGate;
  readonly #space: DiskSpace;
  readonly #opened = new Map<string, Database<Buffer, Buffer>>();
  readonly #own: Table;
  readonly #pending = new Set<PendingCommit>();
  readonly #watch: NodeJS.Timeout;
  readonly #fail: (error: StoreError) => void;
  #failure: StoreError | undefined;
  #isClosed = false;
  #readersCheckedAtMs = performance.now();

  /** Use `openDatabase`. */
  constructor({ root, gate }: { root: RootDatabase<Buffer, Buffer>; gate: WriteGate }, options: DatabaseOptions) {
    const { directory, durability, diskFreeBytesMin, onFatal } = options;
    this.directory = directory;
    this.description = `embedded: LMDB in ${directory}, ${durability}`;
    this.#root = root;
    this.#gate = gate;
    this.#space = new DiskSpace({
      directory,
      freeBytesMin: diskFreeBytesMin,
      reusableBytes: () => reusableBytes(root, this.#opened),
    });
    const failed = Promise.withResolvers<StoreError>();
    this.failed = failed.promise;
    this.#fail = (error) => {
      failed.resolve(error);
      onFatal?.(error);
    };
    this.#own = this.openTables((open) => open('pithos'));
    this.#checkLayout();
    this.#watch = setInterval(() => this.#lookAfter(), WATCH_INTERVAL_MS);
    this.#watch.unref();
    guard(this);
  }

  /** Whether a commit has not ended yet. */
  get isWriting(): boolean {
    return this.#pending.size > 0;
  }

  /** Opens the tables that `make` asks for; those that are missing are made in one commit. Waits for other writers. */
  openTables<Tables>(make: (open: (name: string) => Table) => Tables): Tables {
    return this.#writeSync(() =>
      make((name) => {
        const options = { name, encoding: 'binary', keyEncoding: 'binary' } as const;
        const rows = this.#root.openDB<Buffer, Buffer>(options);
        this.#opened.set(name, rows);
        return new Table(rows);
      }),
    );
  }

  /**
   * Runs `query` on one snapshot, which holds every commit that ended before the call, of any process.
   * It must end without waiting. Throws `corrupt`, `unavailable`.
   */
  read<T>(query: () => T): T {
    this.#requireOpen();
    try {
      // Without this a snapshot made earlier in this turn of the event loop would be used again.
      this.#root.resetReadTxn();
      return query();
    } catch (error) {
      if (GIVEN_UP.test(String(error))) throw this.fail('LMDB has given up.', error);
      throw asStoreError(error);
    }
  }

  /**
   * Runs `step` alone, of all steps of all processes, and applies its change; resolves with its result when that is
   * on stable storage. When `step` throws, nothing is changed and the error is passed on.
   * `step` sees the state before it and must end without waiting; it does not run when `signal` fires first.
   * Throws `storage-full`, `unavailable`, `in-doubt`.
   */
  async write<T>(step: (change: Change) => T, { signal, needsSpace }: WriteOptions): Promise<T> {
    signal.throwIfAborted();
    this.#requireOpen();
    if (needsSpace) this.#space.requireFree();
    if (!this.#gate.tryEnter()) await this.#enter(signal);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const pending: PendingCommit = { signal, reject, watches: 0 };
    this.#pending.add(pending);
    let end: StepEnd<T> | undefined;
    this.#root
      .transaction(() => {
        end = runStep(step, signal);
      })
      .then(
        () => {
          if (end?.kind === 'applied') resolve(end.result);
          else if (end?.kind === 'refused') reject(end.error);
          else reject(this.fail('A step was committed in part, or did not run.', end?.error));
        },
        async (error: unknown) => {
          reject(this.#commitFailed(end?.kind === 'failed' ? end.error : await commitError(error)));
        },
      )
      .finally(() => {
        this.#pending.delete(pending);
        this.#leave();
      });
    return await promise;
  }

  /** The names of all tables there are, opened or not. */
  tableNames(): readonly string[] {
    return this.read(() => tableNames(this.#root));
  }

  /**
   * Copies one snapshot, which holds every commit that ended before the call, to a file that is not there yet; what is
   * free in the original is left out. Other processes write meanwhile. Not synced.
   */
  async copyTo(path: string): Promise<void> {
    this.#requireOpen();
    try {
      await this.#root.backup(path, true);
    } catch (error) {
      throw copyError(path, error);
    }
  }

  /** Commits something small. Throws `storage-full` below the watermark. */
  async checkWritable({ signal }: CallOptions): Promise<void> {
    const row = new RowWriter().integer(Math.floor(performance.now())).finish();
    await this.write((change) => change.put(this.#own, PROBE_KEY, row), { signal, needsSpace: true });
  }

  /** Ends the process' use of the directory after what was asked for has been committed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#watch);
    await this.#gate.close(() => this.#root.close());
    unguard(this);
  }

  /** Marks the directory and tells everybody that waits; the first failure counts. */
  fail(reason: string, cause: unknown): StoreError {
    if (this.#failure !== undefined) return this.#failure;
    const error = new StoreError(
      'in-doubt',
      `${reason} The process must end; the next start checks ${this.directory}.`,
      {
        cause,
      },
    );
    this.#failure = error;
    markForCheck(this.directory, `${reason} ${String(cause)}`);
    for (const { reject } of this.#pending) reject(error);
    this.#fail(error);
    return error;
  }

  /** What a failed commit means. Where the disk or the map is full, or another step failed, everything is as it was. */
  #commitFailed(cause: unknown): StoreError {
    const code = errorCode(cause);
    // A write that falls short for want of space is EIO to LMDB.
    const isFull = code === EIO && this.#space.isFull();
    if ((isFull || code === MDB_MAP_FULL || code === ENOSPC || code === EDQUOT) && !this.#hasGivenUp()) {
      return new StoreError('storage-full', `The metadata in ${this.directory} cannot grow: ${String(cause)}`, {
        cause,
      });
    }
    if (code === MDB_BAD_TXN) {
      return new StoreError('unavailable', 'Another step of the same commit failed; nothing was written.', { cause });
    }
    return this.fail('A commit of metadata failed.', cause);
  }

  /** Whether the commit failed in its last write, the meta page: what is on the disk is then unknown. */
  #hasGivenUp(): boolean {
    try {
      this.#root.resetReadTxn();
      this.#own.get(PROBE_KEY);
      return false;
    } catch (error) {
      return GIVEN_UP.test(String(error));
    }
  }

  #writeSync<T>(step: () => T): T {
    this.#gate.enterSync();
    try {
      return this.#root.transactionSync(step);
    } finally {
      this.#leave();
    }
  }

  async #enter(signal: AbortSignal): Promise<void> {
    await this.#gate.enter({ signal });
    try {
      this.#requireOpen();
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  /** Where that fails, no other process could open the metadata until this one ends. */
  #leave(): void {
    try {
      this.#gate.leave();
    } catch (error) {
      this.fail('The end of a write cannot be told to other processes.', error);
    }
  }

  #requireOpen(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isClosed) throw new StoreError('unavailable', `The database in ${this.directory} has been closed.`);
  }

  #lookAfter(): void {
    for (const pending of this.#pending) {
      pending.watches++;
      if (pending.signal.aborted) pending.reject(pending.signal.reason);
      else if (pending.watches === WATCHES_MAX) {
        pending.reject(new StoreError('in-doubt', `A commit has not ended in ${WATCHES_MAX} seconds.`));
      }
      if (pending.watches === HOPELESS_WATCHES) {
        this.fail(`A commit has not ended in ${HOPELESS_WATCHES} seconds.`, undefined);
        return;
      }
    }
    const nowMs = performance.now();
    if (nowMs - this.#readersCheckedAtMs > READER_CHECK_INTERVAL_MS && this.#failure === undefined) {
      this.#readersCheckedAtMs = nowMs;
      this.#root.readerCheck();
    }
  }

  #checkLayout(): void {
    this.#writeSync(() => {
      const row = this.#own.get(LAYOUT_KEY);
      if (row === undefined) {
        this.#own.applyPut(LAYOUT_KEY, new RowWriter().integer(LAYOUT).finish());
        return;
      }
      const layout = new RowReader(row).integer();
      if (layout !== LAYOUT) {
        throw new StoreError(
          'unavailable',
          `${this.directory} was written by another release (layout ${layout}; this one knows ${LAYOUT}).`,
        );
      }
    });
  }
}

/** How a step ended before its commit. */
type StepEnd<T> =
  | { readonly kind: 'applied'; readonly result: T }
  /** Nothing of it was applied. */
  | { readonly kind: 'refused'; readonly error: unknown }
  /** LMDB refused a part of its change, and so gives up the whole transaction. */
  | { readonly kind: 'failed'; readonly error: unknown };

function runStep<T>(step: (change: Change) => T, signal: AbortSignal): StepEnd<T> {
  if (signal.aborted) return { kind: 'refused', error: signal.reason };
  const change = new Change();
  let result: T;
  try {
    result = step(change);
  } catch (error) {
    return { kind: 'refused', error: asStoreError(error) };
  }
  try {
    change.apply();
  } catch (error) {
    return { kind: 'failed', error };
  }
  return { kind: 'applied', result };
}

/** Errors of LMDB as StoreError; any other, such as a bug, as it is. */
function asStoreError(error: unknown): unknown {
  const code = errorCode(error);
  if (code === undefined || error instanceof StoreError) return error;
  const isCorrupt = code === MDB_CORRUPTED || code === MDB_PAGE_NOTFOUND;
  return new StoreError(isCorrupt ? 'corrupt' : 'unavailable', `LMDB: ${String(error)}`, { cause: error });
}

function copyError(path: string, cause: unknown): StoreError {
  // lmdb gives this error no code.
  const kind = COPY_FULL.test(String(cause)) ? 'storage-full' : 'unavailable';
  return new StoreError(kind, `The metadata cannot be copied to ${path}: ${String(cause)}`, { cause });
}

/** The error behind lmdb's "Commit failed", which it tells by a promise that rejects. */
async function commitError(error: unknown): Promise<unknown> {
  if (typeof error !== 'object' || error === null || !('commitError' in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (reason) {
    return reason;
  }
}
