import type { Action } from '../domain/actions.ts';
import type { AccessKeyId, TenantId } from '../domain/names.ts';

/** Who asks: nobody that is known, or a key of a tenant. */
export type Principal =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'key'; readonly tenant: TenantId; readonly accessKeyId: AccessKeyId };

/** The values of a condition key; `undefined`: the request has no such key; `depends`: the object must be looked at. */
export type KeyValues = readonly string[] | undefined | 'depends';

/** What conditions and variables are about. */
export interface ConditionContext {
  /** `key` as `parseConditionKey` gives it. */
  valuesOf(key: string): KeyValues;
}

/** What a policy is asked about. */
export interface PolicyRequest extends ConditionContext {
  readonly principal: Principal;
  readonly action: Action;
  /** `arn:aws:s3:::bucket` or `arn:aws:s3:::bucket/key`. */
  readonly resource: string;
}

/** Begins the name of each resource of S3. */
export const S3_ARN = 'arn:aws:s3:::';

/** What `aws:userid` is of an anonymous request. */
export const ANONYMOUS_USER_ID = 'anonymous';
