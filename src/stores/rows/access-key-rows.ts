import type { AccessKey } from '../../domain/access-key.ts';
import { parseAccessKeyId, parseTenantId } from '../../domain/names.ts';
import { Secret } from '../../domain/secret.ts';
import { StoreError } from '../store.ts';
import type { RowReader, RowWriter } from './row-codec.ts';

const NOT_MASTER = 0;
const MASTER = 1;

/** Writes the secret as it is: the signature of a request is made with it. */
export function writeAccessKey(row: RowWriter, key: AccessKey): void {
  const { accessKeyId, secret, tenant, displayName, master, memberOf } = key;
  row.text(accessKeyId).text(secret.reveal()).text(tenant).text(displayName);
  row.byte(master ? MASTER : NOT_MASTER).integer(memberOf.length);
  for (const group of memberOf) row.text(group);
  const { email, policy } = key;
  if (email !== undefined || policy !== undefined) row.text(JSON.stringify({ email, policy }));
}

export function readAccessKey(row: RowReader): AccessKey {
  const accessKeyId = parseAccessKeyId(row.text());
  if (accessKeyId === undefined) throw new StoreError('corrupt', 'The keystore has a key whose id is none.');
  return {
    accessKeyId,
    secret: new Secret(row.text()),
    tenant: row.parsed(parseTenantId),
    displayName: row.text(),
    master: row.byte() === MASTER,
    memberOf: Array.from({ length: row.count() }, () => row.text()),
    ...(row.hasMore ? parseAdditions(row.text()) : {}),
  };
}

function parseAdditions(text: string): Pick<AccessKey, 'email' | 'policy'> {
  return JSON.parse(text) as Pick<AccessKey, 'email' | 'policy'>;
}
