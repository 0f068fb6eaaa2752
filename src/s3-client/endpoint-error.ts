const TRANSIENT_CODES: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
  'RequestTimeout',
  'SlowDown',
  'Throttling',
]);
const STATUS_REQUEST_TIMEOUT = 408;
const STATUS_TOO_MANY_REQUESTS = 429;
const STATUS_NOT_IMPLEMENTED = 501;

/** An S3 endpoint refused a request, or did not answer it, in one sentence for the user. */
export class EndpointError extends Error {
  override readonly name = 'EndpointError';
  /** The status of the answer; 0 where none came. */
  readonly status: number;
  /** Of S3, such as `NoSuchKey`, or of the connection, such as `ECONNRESET`. */
  readonly code: string;

  constructor(
    message: string,
    { status = 0, code, cause }: { readonly status?: number; readonly code: string; readonly cause?: unknown },
  ) {
    super(message, { cause });
    this.status = status;
    this.code = code;
  }

  /** Whether the same request may succeed later. */
  get isTransient(): boolean {
    if (TRANSIENT_CODES.has(this.code)) return true;
    if (this.status === STATUS_REQUEST_TIMEOUT || this.status === STATUS_TOO_MANY_REQUESTS) return true;
    return this.status >= 500 && this.status !== STATUS_NOT_IMPLEMENTED;
  }
}

/** What went wrong on the way to an endpoint. */
export function connectionError(cause: Error): EndpointError {
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : 'unknown';
  return new EndpointError(`The connection to the source failed: ${cause.message || code}.`, { code, cause });
}
