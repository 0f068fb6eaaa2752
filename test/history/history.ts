/** The value of a key as clients see it: the ETag of its current object, or `absent`. Every put writes bytes of its own. */
export type Value = string;

export const ABSENT: Value = 'absent';

/** What a client asked for. */
export type Request =
  | { readonly kind: 'get' }
  | { readonly kind: 'put'; readonly value: Value; readonly expected?: Expectation }
  | { readonly kind: 'delete'; readonly expected?: Expectation };

/** The condition of a conditional write: a value that must be current, or no object at all. */
export type Expectation = { readonly kind: 'match'; readonly value: Value } | { readonly kind: 'absent' };

/**
 * What the client heard. `in-doubt`: nothing, or an error that leaves open whether the write took effect.
 * A listing is recorded as a `get` of every key it should show.
 */
export type Response =
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'done' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'in-doubt' };

/** One request and its answer, on one clock; any unit, as long as it is the same for all. */
export interface HistoryEntry {
  readonly client: number;
  readonly key: string;
  readonly request: Request;
  readonly response: Response;
  readonly beganAt: number;
  readonly endedAt: number;
}
