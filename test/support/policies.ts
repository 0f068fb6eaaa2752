import type { SendOptions } from './start-front.ts';
import type { WholeFront } from './whole-front.ts';

export const POLICY = [['policy', '']] as const;

export type TestStatement = Readonly<Record<string, unknown>>;

/** A policy of one statement for everybody, on the bucket and all that is in it, but for what `statement` says. */
export function policyOn(bucket: string, ...statements: readonly TestStatement[]): string {
  const Resource = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`];
  const Statement = statements.map((statement) => ({ Effect: 'Allow', Principal: '*', Resource, ...statement }));
  return JSON.stringify({ Version: '2012-10-17', Statement });
}

/** Puts a policy; `204`, or such as `400 MalformedPolicy`. */
export async function putPolicy(
  whole: WholeFront,
  bucket: string,
  body: string,
  options: Pick<SendOptions, 'keys' | 'headers'> = {},
): Promise<string> {
  return await whole.codeOf({ method: 'PUT', path: `/${bucket}`, query: POLICY, body, ...options });
}
