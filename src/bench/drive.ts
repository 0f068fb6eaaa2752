import { setMaxListeners } from 'node:events';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Connection } from './connection.ts';
import type { Place } from './place.ts';

/** Sends what one operation is, waits for its answers, and gives how much it was in its workload's unit. */
export type Operation = (connection: Connection) => Promise<number>;

/** What one turn of a workload on one target came to. */
export interface Turn {
  readonly operationsCount: number;
  /** In the unit of the workload. */
  readonly amount: number;
  readonly elapsedMs: number;
  /** How long each operation took, in microseconds. */
  readonly latenciesUs: RecordableHistogram;
}

export interface DriveOptions {
  /** Connections, each with one operation at a time. */
  readonly clientsCount: number;
  /** After this no operation begins; counted from when all are connected. Without end unless given. */
  readonly durationMs?: number;
  readonly signal: AbortSignal;
}

/**
 * Runs operations in turn from a number of connections, until it is over or there are no more. Throws what an
 * operation throws, once all connections are closed, and the signal's reason when it fires.
 */
export async function drive(
  place: Place,
  operations: Iterable<Operation>,
  { clientsCount, durationMs = Number.POSITIVE_INFINITY, signal }: DriveOptions,
): Promise<Turn> {
  const next = operations[Symbol.iterator]();
  const latenciesUs = createHistogram();
  let operationsCount = 0;
  let amount = 0;
  const over = new AbortController();
  const ended = AbortSignal.any([signal, over.signal]);
  // Node 20 takes more than ten for a leak, and says so.
  setMaxListeners(clientsCount, ended);
  try {
    const connecting = Array.from({ length: clientsCount }, () => place.connect({ signal: ended }));
    const connections = await Promise.all(connecting);
    const beganAtMs = performance.now();
    const run = async (connection: Connection): Promise<void> => {
      while (performance.now() < beganAtMs + durationMs) {
        const given = next.next();
        if (given.done === true) return;
        const sentAtMs = performance.now();
        // Not in one step with the addition, which would read the sum before it waits.
        const done = await given.value(connection);
        amount += done;
        latenciesUs.record(Math.max(1, Math.round((performance.now() - sentAtMs) * 1000)));
        operationsCount += 1;
      }
    };
    await Promise.all(connections.map(run));
    return { operationsCount, amount, elapsedMs: performance.now() - beganAtMs, latenciesUs };
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    // Those too that are still being opened.
    over.abort(new Error('The turn is over.'));
  }
}

/** The operations again and again. */
export function* cycle(operations: readonly Operation[]): Generator<Operation> {
  while (operations.length > 0) yield* operations;
}
