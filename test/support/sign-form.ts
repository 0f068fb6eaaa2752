import { createHmac } from 'node:crypto';
import type { KeyPair } from './sign.ts';

/** Browser forms, signed by the documentation alone. */

export type FormFields = readonly (readonly [name: string, value: string])[];

export interface FormSigning {
  readonly keys: KeyPair;
  readonly atMs: number;
  /** The conditions of the policy; each field has one of its own unless they are given. */
  readonly conditions?: readonly unknown[];
  readonly bucket: string;
}

export function signFormV4(fields: FormFields, signing: FormSigning): FormFields {
  const now = new Date(signing.atMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const day = now.slice(0, 8);
  const signed: FormFields = [
    ...fields,
    ['x-amz-algorithm', 'AWS4-HMAC-SHA256'],
    ['x-amz-credential', `${signing.keys.accessKeyId}/${day}/us-east-1/s3/aws4_request`],
    ['x-amz-date', now],
  ];
  const policy = policyFor(signed, signing);
  let key = Buffer.from(`AWS4${signing.keys.secretAccessKey}`);
  for (const part of [day, 'us-east-1', 's3', 'aws4_request']) key = createHmac('sha256', key).update(part).digest();
  return [...signed, ['policy', policy], ['x-amz-signature', createHmac('sha256', key).update(policy).digest('hex')]];
}

export function signFormV2(fields: FormFields, signing: FormSigning): FormFields {
  const { keys } = signing;
  const policy = policyFor(fields, signing);
  const signature = createHmac('sha1', keys.secretAccessKey).update(policy).digest('base64');
  return [...fields, ['AWSAccessKeyId', keys.accessKeyId], ['policy', policy], ['signature', signature]];
}

/** A form of these fields and one file, with the boundary `form`. */
export function formBody(fields: FormFields, filename = 'file.txt'): Buffer {
  const head = (name: string, more = '') => `--form\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`;
  const text = fields.map(([name, value]) => `${head(name)}${value}\r\n`).join('');
  return Buffer.from(`${text}${head('file', `; filename="${filename}"`)}the file\r\n--form--\r\n`);
}

export const FORM_TYPE = 'multipart/form-data; boundary=form';

function policyFor(fields: FormFields, { bucket, atMs, conditions }: FormSigning): string {
  const each = fields.map(([name, value]) => ({ [name]: value }));
  const document = {
    expiration: new Date(atMs + 60_000).toISOString(),
    conditions: conditions === undefined ? [{ bucket }, ...each] : [...conditions, ...each.slice(1)],
  };
  return Buffer.from(JSON.stringify(document)).toString('base64');
}
