/** What one client may take of the server. */
export interface HttpLimits {
  /** Bytes of a request's line and headers together. */
  readonly headerBytesMax: number;
  /** How long the head of a request may take to arrive. */
  readonly headersTimeoutMs: number;
  /** How long a connection may be idle between requests; longer than what proxies and load balancers use. */
  readonly keepAliveTimeoutMs: number;
  /** Open connections of one process. */
  readonly connectionsMax: number;
  /** Each time the server has waited this long for a body, `bodyWindowBytesMin` must have come. */
  readonly bodyWindowMs: number;
  readonly bodyWindowBytesMin: number;
  /** How long a client may take nothing of an answer that waits for it. */
  readonly sendTimeoutMs: number;
  /** What of a refused body is read, and for how long, so that the client gets to see the answer. */
  readonly drainBytesMax: number;
  readonly drainTimeoutMs: number;
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  headerBytesMax: 16 * 1024,
  headersTimeoutMs: 60_000,
  keepAliveTimeoutMs: 75_000,
  connectionsMax: 10_000,
  bodyWindowMs: 20_000,
  bodyWindowBytesMin: 1024,
  sendTimeoutMs: 60_000,
  drainBytesMax: 8 * 1024 * 1024,
  drainTimeoutMs: 5_000,
};
