import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { HttpDates } from '../domain/http-dates.ts';
import { S3Error } from '../domain/s3-error.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { createRequestIds } from '../observe/request-id.ts';
import { startStopwatch } from '../observe/stopwatch.ts';
import type { Clock, IdSource } from '../operations/operation.ts';
import type { Reply } from '../operations/reply.ts';
import { OPERATIONS } from '../operations/table.ts';
import type { ReadPins } from '../stores/read-pins.ts';
import { StoreError } from '../stores/store.ts';
import type { Stores } from '../stores/stores.ts';
import { Dispatcher, type HealthCheck, type RequestRecord } from './dispatch.ts';
import { errorDocument, errorReply, toS3Error } from './error-reply.ts';
import { DEFAULT_FRONT_SETTINGS, type FrontSettings } from './front-settings.ts';
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from './limits.ts';
import { Listener, type TlsPair } from './listener.ts';
import { type SentReply, sendReply } from './send-reply.ts';
import type { Exchange } from './wire/connection.ts';
import { replyHead } from './wire/reply-head.ts';

const SERVER_NAME = 'Pithos';
const HOST_ID_BYTES = 24;
/** How a client that left before its answer shows in the access log. */
const CLIENT_GONE_STATUS = 499;
const CHECKSUM_CODES: ReadonlySet<string> = new Set([
  'BadDigest',
  'XAmzContentChecksumMismatch',
  'XAmzContentSHA256Mismatch',
]);

export interface S3ServerOptions {
  readonly stores: Stores;
  readonly readPins: ReadPins;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly limits?: Partial<HttpLimits>;
  /** Without it, requests come in the clear. */
  readonly tls?: TlsPair | undefined;
  /** What of the settings differs from their defaults. */
  readonly settings?: Partial<FrontSettings>;
  readonly operations?: typeof OPERATIONS;
  /** Answers unsigned GET and HEAD of `/health/live` and `/health/ready`; without it they are requests like any other. */
  readonly health?: HealthCheck;
}

export interface S3Server {
  /** Port 0 takes a free one. Resolves once connections are accepted; rejects where the address cannot be had. */
  listen(at: { host: string; port: number }): Promise<{ readonly host: string; readonly port: number }>;
  /** Answers on a connection that another process accepted; where it has too many, closes it. */
  take(socket: Socket): void;
  /** Connections that were taken and are still open. */
  readonly openCount: number;
  /** Accepts nothing more, closes idle connections, lets running requests end, and cuts after `graceMs` those that did not. */
  drain(options: { graceMs: number }): Promise<void>;
  /** What new connections are shown from now on, where there is TLS. Throws where it cannot be used. */
  setTls(tls: TlsPair): void;
}

/** The S3 endpoint: HTTP in front of the operations. */
export function createS3Server(options: S3ServerOptions): S3Server {
  const front = new S3Front(options);
  const limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits };
  const listener = new Listener({
    limits,
    tls: options.tls,
    handle: (exchange) => front.handle(exchange, limits),
    refuse: (error) => front.refuse(error),
  });
  return {
    listen: (at) => listener.listen(at),
    take: (socket) => listener.take(socket),
    get openCount() {
      return listener.openCount;
    },
    drain: (grace) => listener.drain(grace),
    setTls: (tls) => listener.setTls(tls),
  };
}

/** One request, while it is answered. */
interface Answering {
  readonly requestId: string;
  readonly exchange: Exchange;
  readonly record: RequestRecord;
  /** The code of the error that was answered. */
  errorCode: string | undefined;
}

/** Answers requests, logs and counts them. */
class S3Front {
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #dispatcher: Dispatcher;
  readonly #nextRequestId = createRequestIds();
  readonly #hostId = randomBytes(HOST_ID_BYTES).toString('base64');
  readonly #clock: Clock;
  readonly #dates = new HttpDates();

  constructor({ log, metrics, operations = OPERATIONS, health, settings, ...others }: S3ServerOptions) {
    this.#log = log;
    this.#metrics = metrics;
    this.#clock = others.clock;
    this.#dispatcher = new Dispatcher({
      ...others,
      operations,
      health,
      settings: { ...DEFAULT_FRONT_SETTINGS, ...settings },
    });
  }

  async handle(exchange: Exchange, limits: HttpLimits): Promise<void> {
    const { head, remoteAddress } = exchange;
    const elapsedMs = startStopwatch();
    this.#metrics.requestStarted();
    const answering: Answering = {
      requestId: this.#nextRequestId(),
      exchange,
      record: {
        operation: 'Unknown',
        resource: head.target,
        bucket: undefined,
        key: undefined,
        accessKeyId: undefined,
        tenant: undefined,
        corsHeaders: [],
        sourceIp: remoteAddress,
      },
      errorCode: undefined,
    };
    const answer = await this.#dispatch(answering);
    const { corsHeaders } = answering.record;
    const sent = await sendReply(
      corsHeaders.length === 0 ? answer : { ...answer, headers: [...answer.headers, ...corsHeaders] },
      {
        exchange,
        limits,
        commonHeaders: this.#commonHeaders(answering.requestId),
        onFailure: (error) => this.#failed(error, answering),
      },
    );
    this.#finish(answering, sent, elapsedMs());
  }

  /** The whole of a raw answer to what was no request. */
  refuse(error: S3Error): string {
    const requestId = this.#nextRequestId();
    const text = errorDocument(error, { resource: '', requestId, hostId: this.#hostId });
    this.#log.info({ requestId, status: error.status, errorCode: error.code }, 'refused what is no request');
    const headers = [
      ...this.#commonHeaders(requestId),
      ...['Content-Type', 'application/xml', 'Content-Length', String(Buffer.byteLength(text)), 'Connection', 'close'],
    ];
    return replyHead({ status: error.status, headers }) + text;
  }

  #commonHeaders(requestId: string): readonly string[] {
    const date = this.#dates.text(this.#clock.nowMs());
    return ['Server', SERVER_NAME, 'Date', date, 'x-amz-request-id', requestId, 'x-amz-id-2', this.#hostId];
  }

  async #dispatch(answering: Answering): Promise<Reply> {
    const { head, body, signal, remoteAddress, isEncrypted } = answering.exchange;
    const { method, target, rawHeaders } = head;
    const scheme = isEncrypted ? 'https' : 'http';
    try {
      return await this.#dispatcher.dispatch(
        { method, url: target, rawHeaders, scheme, remoteAddress, body, signal },
        answering.record,
      );
    } catch (error) {
      return this.#failed(error, answering);
    }
  }

  /** Logs and counts a failure by its kind, and says what to answer. */
  #failed(error: unknown, answering: Answering) {
    const { requestId, exchange, record } = answering;
    const s3Error = toS3Error(error);
    answering.errorCode = s3Error.code;
    const isGone = exchange.signal.aborted && !(error instanceof S3Error);
    if (error instanceof StoreError) {
      this.#metrics.storeFailed(error.kind);
      if (error.kind === 'corrupt') this.#metrics.checksumMismatched('store');
    }
    if (CHECKSUM_CODES.has(s3Error.code)) this.#metrics.checksumMismatched('client');
    if (s3Error.status >= 500 && s3Error.status !== 501 && !isGone) {
      this.#log.error({ requestId, operation: record.operation, err: s3Error.cause ?? s3Error }, 'request failed');
    }
    const { resource } = record;
    return errorReply(s3Error, { method: exchange.head.method, resource, requestId, hostId: this.#hostId });
  }

  #finish({ requestId, exchange, record, errorCode }: Answering, sent: SentReply, durationMs: number): void {
    const { head, body, signal } = exchange;
    const { operation, bucket, key, accessKeyId, tenant, sourceIp } = record;
    const { sentBytes, cutBy } = sent;
    const { receivedBytes } = body;
    const status = signal.aborted ? CLIENT_GONE_STATUS : sent.status;
    if (cutBy !== undefined && !signal.aborted) {
      if (cutBy instanceof StoreError) this.#metrics.storeFailed(cutBy.kind);
      if (cutBy instanceof StoreError && cutBy.kind === 'corrupt') this.#metrics.checksumMismatched('store');
      this.#log.error({ requestId, operation, err: cutBy }, 'answer cut short');
    }
    this.#metrics.requestEnded({ operation, status, durationSeconds: durationMs / 1000, receivedBytes, sentBytes });
    if (!this.#log.isLevelEnabled('info')) return;
    this.#log.info(
      {
        requestId,
        operation,
        method: head.method,
        bucket,
        key,
        status,
        errorCode,
        receivedBytes,
        sentBytes,
        durationMs: Math.round(durationMs * 1000) / 1000,
        accessKeyId,
        tenant,
        remoteAddress: sourceIp,
      },
      'request',
    );
  }
}
