import type { BlobId } from '../../src/domain/names.ts';

/**
 * An engine as the contract suites see it. Write one of these for your own store, hand it to the suites in a vitest
 * file, and every sentence of the store's interface is tested.
 */
export interface Subject<S extends AsyncDisposable> {
  /** Names the engine in the names of the tests. */
  readonly engine: string;
  /** Opens a fresh and empty store. What it takes for its own clock, in milliseconds since 1970, is `nowMs`. */
  open(nowMs: () => number): Promise<Opened<S>>;
  /** Whether `Opened` has `openAnother`: the engine serves several processes on the same data. */
  readonly isShared: boolean;
  /** Whether `Opened` has `reopen`: what was acknowledged survives the process, so memory does not hold it all. */
  readonly isDurable: boolean;
  /** Whether `Opened` has `damage`: a blobstore whose medium can go bad. */
  readonly isDamageable?: boolean;
}

/** An open store, and whatever else it needs. Disposing of it closes every handle and removes the data. */
export interface Opened<S extends AsyncDisposable> extends AsyncDisposable {
  readonly store: S;
  /** Opens a second handle on the same data, as another process would. */
  readonly openAnother?: () => Promise<S>;
  /** Closes every handle and opens the data again. */
  readonly reopen?: () => Promise<S>;
  /** Flips one bit of what is stored of a blob: of its first byte at 0, of its last at 1, between them in between. */
  readonly damage?: (id: BlobId, at: number) => Promise<void>;
}

/** What one test works with. */
export interface Fixture<S extends AsyncDisposable> extends AsyncDisposable {
  readonly store: S;
  readonly clock: TestClock;
  openAnother(): Promise<S>;
  reopen(): Promise<S>;
  damage(id: BlobId, at: number): Promise<void>;
}

export async function openFixture<S extends AsyncDisposable>(subject: Subject<S>): Promise<Fixture<S>> {
  const clock = new TestClock();
  const opened = await subject.open(() => clock.nowMs);
  return {
    store: opened.store,
    clock,
    openAnother: () => given(opened.openAnother, 'openAnother')(),
    reopen: () => given(opened.reopen, 'reopen')(),
    damage: (id, at) => given(opened.damage, 'damage')(id, at),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

/** A clock that moves only when a test moves it. */
export class TestClock {
  nowMs = Date.UTC(2026, 0, 1);

  advance(ms: number): void {
    this.nowMs += ms;
  }
}

function given<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new TypeError(`The subject promises ${name} and has none.`);
  return value;
}
