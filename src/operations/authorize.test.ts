import { expect, test } from 'vitest';
import { bucketOf, must } from '../../test/support/start-front.ts';
import type { Action } from '../domain/actions.ts';
import { parseAccessKeyId, parseBucketName, parseTenantId } from '../domain/names.ts';
import { Secret } from '../domain/secret.ts';
import { ANONYMOUS, identityOf } from '../http/auth/make-identity.ts';
import { isAllowed } from './authorize.ts';

const WHO = { alice: user('alice'), bob: user('bob'), master: user('master', true), nobody: ANONYMOUS };
const BUCKET = bucketOf(must(parseBucketName('alices-bucket')), 'alice');

test.each<[keyof typeof WHO, Action, 'on her bucket' | 'on no bucket', boolean]>([
  ['alice', 's3:GetObject', 'on her bucket', true],
  ['alice', 's3:DeleteBucket', 'on her bucket', true],
  ['bob', 's3:GetObject', 'on her bucket', false],
  ['bob', 's3:PutObject', 'on her bucket', false],
  ['bob', 's3:ListBucket', 'on her bucket', false],
  ['master', 's3:PutObject', 'on her bucket', true],
  ['nobody', 's3:GetObject', 'on her bucket', false],
  ['nobody', 's3:ListAllMyBuckets', 'on no bucket', false],
  ['nobody', 's3:CreateBucket', 'on no bucket', false],
  ['bob', 's3:ListAllMyBuckets', 'on no bucket', true],
  ['bob', 's3:CreateBucket', 'on no bucket', true],
  ['alice', 's3:GetObject', 'on no bucket', false],
  ['master', 's3:GetObject', 'on no bucket', false],
])('%s doing %s %s is allowed: %s', (who, action, where, allowed) => {
  const bucket = where === 'on her bucket' ? BUCKET : undefined;
  expect(isAllowed({ identity: WHO[who], action, bucket })).toBe(allowed);
});

function user(name: string, master = false) {
  const accessKeyId = must(parseAccessKeyId(name));
  const tenant = parseTenantId(name);
  return identityOf({ accessKeyId, secret: new Secret(name), tenant, displayName: name, master, memberOf: [] });
}
