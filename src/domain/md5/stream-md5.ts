import { createHash, hash } from 'node:crypto';
import { LANES, Md5Lanes, type Slot, type SlotOwner } from './md5-lanes.ts';
import { md5Padding } from './md5-padding.ts';

/** The state that a stream begins with. Source: RFC 1321, 3.3. */
const FIRST_STATE = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476] as const;
const WORD_BYTES = 4;
const NOTHING = new Uint8Array();
/** How long after two streams were open at once the next one is taken to have company, in milliseconds. */
const COMPANY_MS = 1_000;
/** Shorter bodies are always hashed alone, in bytes: that takes less time than to find others to hash them with. */
const ALONE_BYTES = 2 * 1024;
/** Shorter bodies gain little by company, in bytes, and are hashed alone unless there is much of it. */
const SHORT_BYTES = 16 * 1024;
/** How soon short bodies follow one another where several clients send them, in milliseconds: sooner than one answer. */
const CROWD_MS = 1;

/**
 * The MD5 of bytes that come piece by piece. Any number may be open. One that is not disposed of costs nothing but that
 * others take it for still open, and wait for it in vain.
 */
export interface StreamMd5 extends Disposable {
  /**
   * Takes the next bytes, which are the caller's again when it returns. Where it gives back a promise, so many wait that
   * the caller should not hand in more before it resolves, by the end of this turn of the event loop: meanwhile others
   * come, and all are hashed at once.
   */
  update(bytes: Uint8Array): Promise<void> | undefined;
  /** The MD5, 16 bytes, by the end of this turn of the event loop. Nothing may be called afterwards. */
  digest(): Promise<Buffer>;
}

/** Hashes alongside all others of this process, unless there is no other. */
export function createStreamMd5(): StreamMd5 {
  shared ??= shareLanes();
  return shared.open();
}

/** The MD5 of bytes, 16 bytes, by the end of this turn of the event loop. The bytes are the caller's again at once. */
export function md5Of(bytes: Uint8Array): Promise<Buffer> {
  if (bytes.length < ALONE_BYTES || (bytes.length < SHORT_BYTES && !isInCrowd())) return NATIVE.md5Of(bytes);
  shared ??= shareLanes();
  return shared.md5Of(bytes);
}

/** Streams that are hashed side by side. */
export class Md5Streams {
  readonly #lanes: Md5Lanes;
  /** Those that wait to be hashed at the end of this turn of the event loop, or when there is one for each lane. */
  #waiting = new Map<LaneMd5, Waiting>();
  #isScheduled = false;
  #openCount = 0;
  /** When two were open for the last time. */
  #companyAtMs = Number.NEGATIVE_INFINITY;

  constructor(lanes: Md5Lanes) {
    this.#lanes = lanes;
  }

  /** One that will be alone stays so: a state of node:crypto cannot be taken out, and alone it is faster. */
  open(): StreamMd5 {
    this.#openCount += 1;
    const close = () => {
      this.#openCount -= 1;
    };
    return this.#hasCompany() ? this.#stream(close) : new NativeMd5(close);
  }

  /** Whether another is open, or will be: where several came at one time, the next ones do too. */
  #hasCompany(): boolean {
    const nowMs = performance.now();
    if (this.#openCount > 1) this.#companyAtMs = nowMs;
    return nowMs - this.#companyAtMs < COMPANY_MS;
  }

  /** The MD5 of bytes that are there as a whole. */
  md5Of(bytes: Uint8Array): Promise<Buffer> {
    const stream = this.#stream(() => undefined);
    stream.add(bytes);
    return stream.digest();
  }

  #stream(close: () => void): LaneMd5 {
    const hashed = (stream: LaneMd5) => this.#hashed(stream);
    return new LaneMd5({ lanes: this.#lanes, hashed, isAlone: () => this.#openCount <= 1, close });
  }

  /** Resolves when all blocks that the stream has by then are hashed. */
  #hashed(stream: LaneMd5): Promise<void> {
    const waiting = this.#waiting.get(stream);
    if (waiting !== undefined) return waiting.hashed;
    const added = new Waiting();
    this.#waiting.set(stream, added);
    if (this.#waiting.size >= LANES) this.#hash();
    else this.#schedule();
    return added.hashed;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#hash();
    });
  }

  #hash(): void {
    const waiting = this.#waiting;
    this.#waiting = new Map();
    try {
      this.#lanes.hash([...waiting.keys()].flatMap(({ slot }) => slot ?? []));
      for (const { resolve } of waiting.values()) resolve();
    } catch (error) {
      for (const { reject } of waiting.values()) reject(error);
    }
  }
}

/** What a stream waits for. */
class Waiting {
  readonly hashed: Promise<void>;
  resolve: () => void = () => undefined;
  reject: (error: unknown) => void = () => undefined;

  constructor() {
    this.hashed = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

interface LaneMd5Options {
  readonly lanes: Md5Lanes;
  /** Resolves when all blocks of the stream are hashed. */
  readonly hashed: (stream: LaneMd5) => Promise<void>;
  /** Whether no other stream is open. */
  readonly isAlone: () => boolean;
  /** Called once. */
  readonly close: () => void;
}

class LaneMd5 implements StreamMd5, SlotOwner {
  readonly state: number[] = [...FIRST_STATE];
  /** Where its bytes wait. */
  slot: Slot | undefined;
  readonly #lanes: Md5Lanes;
  readonly #options: LaneMd5Options;
  #isClosed = false;
  #sizeBytes = 0;
  /** What waits while it has no slot; less than a block. */
  #rest: Uint8Array = NOTHING;

  constructor(options: LaneMd5Options) {
    this.#lanes = options.lanes;
    this.#options = options;
  }

  update(bytes: Uint8Array): Promise<void> | undefined {
    this.add(bytes);
    const isToWait = this.slot !== undefined && this.#lanes.isFull(this.slot) && !this.#options.isAlone();
    return isToWait ? this.#options.hashed(this) : undefined;
  }

  /** Takes the next bytes at once, even where it has to hash some alone to have room for them. */
  add(bytes: Uint8Array): void {
    this.#sizeBytes += bytes.length;
    for (let rest = bytes; rest.length > 0; ) {
      const slot = this.#enter();
      rest = rest.subarray(this.#lanes.fill(slot, rest));
      if (rest.length > 0) this.#lanes.hash([slot]);
    }
  }

  async digest(): Promise<Buffer> {
    this.#lanes.pad(this.#enter(), md5Padding(this.#sizeBytes));
    await this.#options.hashed(this);
    return bytesOf(this.state);
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.close();
  }

  vacate(rest: Uint8Array): void {
    this.slot = undefined;
    this.#rest = rest.length === 0 ? NOTHING : rest.slice();
  }

  #enter(): Slot {
    if (this.slot !== undefined) return this.slot;
    const slot = this.#lanes.take(this);
    this.slot = slot;
    this.#lanes.fill(slot, this.#rest);
    this.#rest = NOTHING;
    return slot;
  }
}

/** A stream of its own. */
class NativeMd5 implements StreamMd5 {
  readonly #hash = createHash('md5');
  #close: (() => void) | undefined;

  constructor(close?: () => void) {
    this.#close = close;
  }

  update(bytes: Uint8Array): undefined {
    this.#hash.update(bytes);
  }

  async digest(): Promise<Buffer> {
    return this.#hash.digest();
  }

  [Symbol.dispose](): void {
    this.#close?.();
    this.#close = undefined;
  }
}

/** Made when the first stream opens, for a server that starts has other things to do. */
let shared: Pick<Md5Streams, 'open' | 'md5Of'> | undefined;

const NATIVE: Pick<Md5Streams, 'open' | 'md5Of'> = {
  open: () => new NativeMd5(),
  md5Of: async (bytes) => hash('md5', bytes, 'buffer'),
};

/** When the last short body came. */
let shortAtMs = Number.NEGATIVE_INFINITY;

/** Whether a short body comes just after another. */
function isInCrowd(): boolean {
  const beforeMs = shortAtMs;
  shortAtMs = performance.now();
  return shortAtMs - beforeMs < CROWD_MS;
}

/** Where lanes cannot be had each stream is alone. */
function shareLanes(): Pick<Md5Streams, 'open' | 'md5Of'> {
  const lanes = Md5Lanes.make();
  return lanes === undefined ? NATIVE : new Md5Streams(lanes);
}

function bytesOf(state: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(state.length * WORD_BYTES);
  for (const [index, word] of state.entries()) bytes.writeInt32LE(word | 0, index * WORD_BYTES);
  return bytes;
}
