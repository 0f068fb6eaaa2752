import type { Operation } from './drive.ts';
import type { Place } from './place.ts';

export interface CallOptions {
  readonly signal: AbortSignal;
}

/** One kind of load. Its operations are made and signed before they are measured. */
export interface Workload {
  /** As it is selected: `put-4k`. */
  readonly name: string;
  /** As people read it: `put 4 KiB`. */
  readonly title: string;
  /** What its rate is given in. */
  readonly unit: 'operations' | 'bytes' | 'entries';
  /** Connections at one time, unless the user says otherwise. */
  readonly clientsCount: number;
  /** Whether its operations change something, so that syncs are counted. */
  readonly writes: boolean;
  /** Puts what it needs, once for each target. */
  fill(place: Place, options: CallOptions): Promise<void>;
  /** The operations of one turn; where they come to an end, the turn ends before its time. */
  operations(place: Place, options: CallOptions): Promise<Iterable<Operation>>;
  /** After a turn of so many operations, unmeasured: whether what was written can be read. Throws `TargetError`. */
  check(place: Place, options: CallOptions & { readonly operationsCount: number }): Promise<void>;
}
