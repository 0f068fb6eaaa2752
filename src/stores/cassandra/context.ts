import { randomBytes } from 'node:crypto';
import type { CallOptions } from '../store.ts';
import type { Background } from './background.ts';
import type { Cells } from './cells.ts';
import type { StoreClock } from './store-clock.ts';

/** The name of one attempt at a write: 16 hex digits, random. A version bears the name of the attempt that made it. */
export type OpId = string & { readonly __brand: 'OpId' };

const OP_BYTES = 8;

export function newOpId(): OpId {
  return parseOpId(randomBytes(OP_BYTES).toString('hex'));
}

export function parseOpId(text: string): OpId {
  return text as OpId;
}

/** What the parts of a metastore share. */
export interface Context {
  readonly cells: Cells;
  /** The region: the first column of every partition's key. */
  readonly store: string;
  readonly clock: StoreClock;
  /** Rises by one each millisecond, whatever is done to the clock of the machine. */
  readonly monotonicMs: () => number;
  /** From 0 to 1, for pauses. */
  readonly random: () => number;
  readonly pause: (ms: number, options: CallOptions) => Promise<void>;
  readonly background: Background;
  /** The attempts whose names a key remembers, where not as many as usual. */
  readonly rememberedMax?: number | undefined;
}
