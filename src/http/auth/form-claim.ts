import { S3Error } from '../../domain/s3-error.ts';
import { type Credential, parseCredential, SIGNING_ALGORITHM, type SigningRegions } from './claim.ts';
import { sigV2IsOff } from './sigv2.ts';
import { parseIsoBasic } from './timestamp.ts';

/** What a browser form says of the signature of its policy. */
export type FormClaim =
  | ({ readonly kind: 'v4'; readonly policy: string; readonly signature: string } & Credential)
  | { readonly kind: 'v2'; readonly policy: string; readonly signature: string; readonly accessKeyId: string };

const V4_FIELDS = ['x-amz-algorithm', 'x-amz-credential', 'x-amz-date', 'x-amz-signature'] as const;
const V2_FIELDS = ['awsaccesskeyid', 'signature'] as const;

/** The fields that say who sends a form, and nothing else. */
export const FORM_SIGNATURE_FIELDS: ReadonlySet<string> = new Set([...V4_FIELDS, ...V2_FIELDS, 'policy']);

/**
 * What the fields of a form claim; `undefined` where they name no credentials and no policy: an anonymous form.
 *
 * Errors: InvalidArgument (a field is missing), AuthorizationQueryParametersError, InvalidRequest (SigV2 is off),
 *   InvalidToken 400.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html
 */
export function parseFormClaim(
  fields: ReadonlyMap<string, string>,
  { regions, sigV2 }: { readonly regions: SigningRegions; readonly sigV2: boolean },
): FormClaim | undefined {
  if (fields.has('x-amz-security-token')) {
    throw new S3Error('InvalidToken', {
      message: 'Temporary credentials are not supported: sign with an access key that has no session token.',
    });
  }
  const isV4 = V4_FIELDS.some((name) => fields.has(name));
  const isV2 = V2_FIELDS.some((name) => fields.has(name));
  if (!isV4 && !isV2 && !fields.has('policy')) return undefined;
  if (isV4 && isV2) throw new S3Error('InvalidArgument', { message: 'A form is signed by one signature version.' });
  const policy = requireField(fields, 'policy');
  if (isV2) {
    if (!sigV2) throw sigV2IsOff();
    const signature = requireField(fields, 'signature');
    return { kind: 'v2', policy, signature, accessKeyId: requireField(fields, 'AWSAccessKeyId') };
  }
  if (requireField(fields, 'x-amz-algorithm') !== SIGNING_ALGORITHM) {
    throw new S3Error('InvalidArgument', {
      message: `x-amz-algorithm only supports "${SIGNING_ALGORITHM}"`,
      elements: { ArgumentName: 'x-amz-algorithm' },
    });
  }
  const intro = 'Error parsing the x-amz-credential field; ';
  const context = { code: 'AuthorizationQueryParametersError', intro, regions } as const;
  const credential = parseCredential(requireField(fields, 'x-amz-credential'), context);
  const date = parseIsoBasic(requireField(fields, 'x-amz-date'));
  if (date?.text.slice(0, 8) !== credential.scope.date) {
    throw new S3Error('AuthorizationQueryParametersError', {
      message: "x-amz-date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\", of the day of the credential.",
    });
  }
  return { kind: 'v4', policy, signature: requireField(fields, 'x-amz-signature'), ...credential };
}

function requireField(fields: ReadonlyMap<string, string>, name: string): string {
  const value = fields.get(name.toLowerCase());
  if (value !== undefined && value !== '') return value;
  throw new S3Error('InvalidArgument', {
    message: `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`,
    elements: { ArgumentName: name, ArgumentValue: '' },
  });
}
