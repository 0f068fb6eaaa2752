import { S3Error } from '../../domain/s3-error.ts';
import { isPublicPolicy, namedPrincipals, requirePolicyOf } from '../../policy/bucket-policy.ts';
import { malformedPolicy } from '../../policy/malformed-policy.ts';
import { parsePolicy } from '../../policy/parse-policy.ts';
import { POLICY_BYTES_MAX, type Policy } from '../../policy/policy.ts';
import { invalidPrincipal, principalArn } from '../../policy/principals.ts';
import { parseBodyDigests } from '../body-digests.ts';
import { changeConfiguration } from '../change-configuration.ts';
import { defineOperation, type OperationContext } from '../operation.ts';
import { reply } from '../reply.ts';
import { readBody } from '../xml-body.ts';

/** Tenants and keys that one policy may name: each is looked up, which may cost a look at every key. */
const PRINCIPALS_MAX = 100;
const ACTION = 's3:PutBucketPolicy';

/**
 * PutBucketPolicy: replaces the bucket's policy. Whoever would not be able to change it again must say that they mean it;
 * the bucket's own tenant always is.
 *
 * Errors: MalformedPolicy, MaxMessageLengthExceeded, InvalidRequest (the caller locks themselves out) 400 ·
 *   AccessDenied (public policies are blocked) 403 · OperationAborted 409 · NotImplemented 501.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
 */
export const putBucketPolicy = defineOperation({
  name: 'PutBucketPolicy',
  scope: 'bucket',
  action: ACTION,
  parameters: ['ChecksumAlgorithm', 'ConfirmRemoveSelfBucketAccess', 'ContentMD5', 'Policy'],

  parse: (request) => ({
    body: request.body,
    digests: parseBodyDigests(request),
    confirmed: request.headers.get('x-amz-confirm-remove-self-bucket-access')?.toLowerCase() === 'true',
  }),

  async run(context, { body, digests, confirmed }) {
    const text = textOf(await readBody(body, { bytesMax: POLICY_BYTES_MAX, digests }));
    const policy = parsePolicy(text, 'bucket');
    requirePolicyOf(context.bucket.name, policy);
    await requirePrincipals(context, policy);
    await changeConfiguration(context, (configuration) => {
      if (configuration.publicAccessBlock?.blockPublicPolicy === true && isPublicPolicy(policy)) {
        throw new S3Error('AccessDenied', {
          message: 'Access Denied: public policies are blocked by the BlockPublicPolicy setting of the bucket.',
        });
      }
      const changed = { ...configuration, policy: text };
      if (!confirmed && !context.wouldAllow(changed, ACTION)) throw locksOut();
      return changed;
    });
  },

  render: () => reply(204),
});

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw malformedPolicy('Policies must be valid JSON in UTF-8.', cause);
  }
}

async function requirePrincipals({ stores, signal }: OperationContext, policy: Policy): Promise<void> {
  const { tenants, keys } = namedPrincipals(policy);
  if (tenants.size + keys.length > PRINCIPALS_MAX) {
    throw malformedPolicy(`A policy names at most ${PRINCIPALS_MAX} principals.`);
  }
  for (const id of tenants) {
    if ((await stores.keys.findTenant({ id }, { signal })) === undefined) throw invalidPrincipal(id);
  }
  for (const named of keys) {
    const key = await stores.keys.getKey(named.accessKeyId, { signal });
    if (key?.tenant !== named.tenant) throw invalidPrincipal(principalArn(named));
  }
}

function locksOut(): S3Error {
  return new S3Error('InvalidRequest', {
    message:
      'The policy would take from you the right to change it again. If you mean that, send x-amz-confirm-remove-self-bucket-access: true.',
  });
}
