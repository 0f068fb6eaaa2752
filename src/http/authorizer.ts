import type { Action } from '../domain/actions.ts';
import type { ObjectOwnership } from '../domain/bucket.ts';
import { type BucketName, type ObjectKey, parseBucketName, parseObjectKey } from '../domain/names.ts';
import { S3Error } from '../domain/s3-error.ts';
import { actionsOnNewBucket, BucketAccess, decide, type RequestFacts } from '../operations/access.ts';
import type { AnyOperation, Clock, IdSource, OpenBucket, OperationContext } from '../operations/operation.ts';
import { isCharged, requireKnownCharge } from '../operations/request-payment.ts';
import type { ReadPins } from '../stores/read-pins.ts';
import type { Stores } from '../stores/stores.ts';
import type { NamedTarget } from './target.ts';

const EXPECTED_OWNER = 'x-amz-expected-bucket-owner';
const EXPECTED_SOURCE_OWNER = 'x-amz-source-expected-bucket-owner';

export interface AuthorizerOptions {
  readonly stores: Stores;
  readonly readPins: ReadPins;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly defaultObjectOwnership: ObjectOwnership;
}

export interface AuthorizedRequest {
  readonly operation: AnyOperation;
  readonly facts: RequestFacts;
  readonly target: NamedTarget;
  readonly signal: AbortSignal;
}

/** What an operation may work with. */
export interface Authorized {
  readonly bucketName: BucketName | undefined;
  readonly context: OperationContext;
  /** Whether the caller pays for the request. */
  readonly isCharged: boolean;
}

interface Opening {
  readonly name: BucketName;
  readonly action: Action;
  /** As the client names it, if it does. */
  readonly key: ObjectKey | undefined;
  /** Of what is read beside the target, which the query does not speak of. */
  readonly versionId?: string | undefined;
  readonly expectedOwner: string | undefined;
  readonly decidedBy: AnyOperation['decidedBy'];
}

/** Opens the bucket of a request for callers who may do what its operation does, and for nobody else. */
export class Authorizer {
  readonly #options: AuthorizerOptions;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /** Errors: InvalidBucketName 400 · AccessDenied 403 · NoSuchBucket 404 · ServiceUnavailable 503. */
  async authorize(request: AuthorizedRequest): Promise<Authorized> {
    const { operation, facts, target, signal } = request;
    const action = actionOf(operation, target);
    switch (operation.scope) {
      case 'service':
        requireAllowed(facts, { action });
        return { bucketName: undefined, context: this.#contextOf(request), isCharged: false };
      case 'new-bucket': {
        for (const each of [action, ...actionsOnNewBucket(facts.headers)]) {
          requireAllowed(facts, { action: each, bucketName: target.bucket });
        }
        const bucketName = parseBucketName(target.bucket ?? '');
        if (bucketName !== undefined) return { bucketName, context: this.#contextOf(request), isCharged: false };
        throw new S3Error('InvalidBucketName', { elements: { BucketName: target.bucket ?? '' } });
      }
      default: {
        const bucketName = parseBucketName(target.bucket ?? '');
        if (bucketName === undefined) throw noSuchBucket(target.bucket ?? '');
        const opening = {
          name: bucketName,
          action,
          key: parseObjectKey(target.key ?? ''),
          expectedOwner: facts.headers.get(EXPECTED_OWNER),
          decidedBy: operation.decidedBy,
        };
        const opened = await this.#open(opening, facts, signal);
        const isPaid = isCharged(facts.identity, opened.bucket);
        return { bucketName, context: this.#contextOf(request, opened), isCharged: isPaid };
      }
    }
  }

  #contextOf({ facts, signal }: AuthorizedRequest, opened?: OpenBucket): OperationContext {
    const { stores, readPins, clock, ids, defaultObjectOwnership } = this.#options;
    const expectedOwner = facts.headers.get(EXPECTED_SOURCE_OWNER);
    return {
      ...opened,
      identity: facts.identity,
      stores,
      readPins,
      clock,
      ids,
      signal,
      defaultObjectOwnership,
      openBucket: (name, action, key, versionId) =>
        this.#open({ name, action, key, versionId, expectedOwner, decidedBy: key && 'object' }, facts, signal),
    };
  }

  async #open(
    { name, action, key, versionId, expectedOwner, decidedBy }: Opening,
    facts: RequestFacts,
    signal: AbortSignal,
  ): Promise<OpenBucket> {
    const { stores } = this.#options;
    const bucket = await stores.buckets.getBucket(name, { signal });
    if (bucket === undefined) throw noSuchBucket(name);
    const access = new BucketAccess(facts, bucket);
    const verdict =
      decidedBy === 'each-key' ? access.verdictOnSomeKey(action) : access.verdict(action, key, { versionId });
    if (verdict === 'denied' || (verdict === 'by-object' && decidedBy === undefined)) throw new S3Error('AccessDenied');
    requireKnownCharge(facts.identity, facts.headers, bucket);
    if (expectedOwner !== undefined && expectedOwner !== bucket.owner.tenant) throw new S3Error('AccessDenied');
    const region = stores.regions.get(bucket.region);
    if (region === undefined) {
      throw new S3Error('ServiceUnavailable', {
        message: `This server has no store for the bucket's region, ${bucket.region}.`,
      });
    }
    return {
      bucket,
      region,
      async refresh() {
        const now = await stores.buckets.getBucket(name, { signal });
        if (now === undefined || now.id !== bucket.id) throw noSuchBucket(name);
        return now;
      },
      requireAccess(version, requestTags = undefined) {
        if (key === undefined || !access.isAllowedOn(action, key, { version, versionId, requestTags })) {
          throw new S3Error('AccessDenied');
        }
      },
      isAllowed: (other, otherKey, versionId) => access.isAllowed(other, otherKey, { versionId }),
      wouldAllow: (configuration, other) =>
        new BucketAccess(facts, { ...bucket, configuration }).isAllowed(other, undefined),
      isForbidden: (other, otherKey, requestTags) => access.verdict(other, otherKey, { requestTags }) === 'denied',
    };
  }
}

function actionOf(operation: AnyOperation, target: NamedTarget): Action {
  return operation.versionAction !== undefined && target.query.has('versionId')
    ? operation.versionAction
    : operation.action;
}

function requireAllowed(
  facts: RequestFacts,
  { action, bucketName }: { readonly action: Action; readonly bucketName?: string | undefined },
): void {
  const verdict = decide(facts, { action, bucket: undefined, bucketName, key: undefined });
  if (verdict !== 'allowed') throw new S3Error('AccessDenied');
}

function noSuchBucket(name: string): S3Error {
  return new S3Error('NoSuchBucket', { elements: { BucketName: name } });
}
