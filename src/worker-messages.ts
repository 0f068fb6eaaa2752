import type { PackedConfig } from './config/pack.ts';
import type { MetricsSnapshot } from './observe/counts.ts';

/** What the primary process tells a worker. */
export type ToWorker =
  | { readonly kind: 'start'; readonly config: PackedConfig }
  /** A connection comes with it. */
  | { readonly kind: 'connection' }
  | { readonly kind: 'drain'; readonly graceMs: number }
  | { readonly kind: 'report-metrics'; readonly request: number };

/** What a worker tells the primary process. */
export type ToPrimary =
  /** It hears now; what it is told earlier is lost. */
  | { readonly kind: 'up' }
  /** It takes connections. */
  | { readonly kind: 'ready' }
  /** It took the connection that it was handed, and has this many now. */
  | { readonly kind: 'taken'; readonly openCount: number }
  /** It ends without having been ready. */
  | { readonly kind: 'not-started'; readonly message: string }
  /** A write to stable storage failed: every process must end. */
  | { readonly kind: 'storage-failed'; readonly message: string }
  | { readonly kind: 'metrics'; readonly request: number; readonly snapshot: MetricsSnapshot };

/** How a worker ended, as its exit code. */
export const WORKER_EXIT = { drained: 0, notStarted: 2, storageFailed: 3 } as const;

/** Both ends are this program in the same version, and the channel carries nothing else with a `kind`. */
export function parseToWorker(message: unknown): ToWorker | undefined {
  return hasKind(message) ? (message as ToWorker) : undefined;
}

export function parseToPrimary(message: unknown): ToPrimary | undefined {
  return hasKind(message) ? (message as ToPrimary) : undefined;
}

function hasKind(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'kind' in message;
}
