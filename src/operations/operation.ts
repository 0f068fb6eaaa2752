import type { Action } from '../domain/actions.ts';
import type { Bucket, BucketConfiguration, ObjectOwnership, Tag } from '../domain/bucket.ts';
import type { Identity } from '../domain/identity.ts';
import type { BlobId, BucketId, BucketName, ObjectKey } from '../domain/names.ts';
import type { ObjectVersion } from '../domain/object-version.ts';
import type { ReadPins } from '../stores/read-pins.ts';
import type { RegionStores, Stores } from '../stores/stores.ts';
import type { Reply } from './reply.ts';
import type { S3Request } from './request.ts';
import type { OperationName } from './s3-model.ts';

/**
 * One operation of S3 in three beats: `parse` turns the request into values and throws S3Error for bad input, `run`
 * does the work against the stores, `render` turns the result into a reply.
 */
export interface Operation<S extends Scope, Input, Output> {
  readonly name: OperationName;
  readonly scope: S;
  /**
   * What the caller must be allowed to do on the target before `parse` is called. A request with a `versionId` needs
   * `versionAction` instead, where there is one.
   */
  readonly action: Action;
  readonly versionAction?: Action;
  /**
   * Where the caller's right hangs on more than the target. On the `object`, its ACL or its tags: `run` passes what it
   * found to `requireAccess` of its context before it does or tells anything. On `each-key` that the body names: `run`
   * asks `isAllowed` for each. Without this, what hangs on an object is refused.
   */
  readonly decidedBy?: 'object' | 'each-key';
  /**
   * The parameters of the model that it honours. A request with any other parameter that S3 knows for this operation
   * is answered 501 NotImplemented.
   */
  readonly parameters: readonly string[];
  parse(request: RequestOf<S>): Input;
  run(context: ContextOf<S>, input: Input): Promise<Output>;
  render(output: Output, request: RequestOf<S>): Reply;
}

/** `new-bucket`: the request names a bucket that need not exist. */
export type Scope = 'service' | 'new-bucket' | 'bucket' | 'object';

/** An operation that has been put into the table: its input and output are its own affair. */
// biome-ignore lint/suspicious/noExplicitAny: a table of operations is heterogeneous; dispatch hands each output to the operation it came from.
export type AnyOperation = Operation<any, any, any>;

export type RequestOf<S extends Scope> = S extends 'service'
  ? S3Request
  : S extends 'object'
    ? S3Request & { readonly bucket: BucketName; readonly key: ObjectKey }
    : S3Request & { readonly bucket: BucketName };

export interface OperationContext {
  readonly identity: Identity;
  readonly stores: Stores;
  /** Held by reads that outlive their store calls, so that reclaim waits for them. */
  readonly readPins: ReadPins;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** What a new bucket has that is made without saying. */
  readonly defaultObjectOwnership: ObjectOwnership;
  /** Fires when the client has gone, or the server stops waiting. */
  readonly signal: AbortSignal;
  /** Another bucket, such as the source of a copy: the only way to one, and it authorizes. Throws NoSuchBucket, AccessDenied. */
  openBucket(name: BucketName, action: Action, key?: ObjectKey, versionId?: string): Promise<OpenBucket>;
}

/** A bucket that the caller was authorized for, and the stores of its region. */
export interface OpenBucket {
  readonly bucket: Bucket;
  readonly region: RegionStores;
  /** The bucket as it is now; writes call it after a long body, before they commit. Throws NoSuchBucket. */
  refresh(): Promise<Bucket>;
  /**
   * Throws AccessDenied unless the caller may do what the bucket was opened for to `version`, which is what the key
   * has; without an object, unless the caller may know that. A policy may ask for the tags in a body: `requestTags`.
   */
  requireAccess(version: ObjectVersion | undefined, requestTags?: readonly Tag[]): void;
  /** Whether the caller may do something else too, whatever object there is. */
  isAllowed(action: Action, key?: ObjectKey, versionId?: string): boolean;
  /** Whether the caller might do something to the bucket if that had another configuration. */
  wouldAllow(configuration: BucketConfiguration, action: Action): boolean;
  /**
   * Whether the caller may not do something else, whatever object there is. With `requestTags`, to a new object that is
   * to have these tags.
   */
  isForbidden(action: Action, key?: ObjectKey, requestTags?: readonly Tag[]): boolean;
}

export type ContextOf<S extends Scope> = S extends 'bucket' | 'object'
  ? OperationContext & OpenBucket
  : OperationContext;

/** Milliseconds since 1970. */
export interface Clock {
  nowMs(): number;
}

export interface IdSource {
  bucketId(): BucketId;
  blobId(): BlobId;
}

/** Gives an operation its types. */
export function defineOperation<S extends Scope, Input, Output>(
  operation: Operation<S, Input, Output>,
): Operation<S, Input, Output> {
  return operation;
}
