import { isDeepStrictEqual } from 'node:util';
import { S3Error } from '../../../src/domain/s3-error.ts';
import { AT_MS, authenticateRaw, HOST, KEYS } from '../../support/authenticate.ts';
import { presign, signByHeader, UNSIGNED } from '../../support/sign.ts';
import { attempt, demand, type FuzzTarget } from '../fuzz-target.ts';
import { mutate, perhaps } from '../mutate.ts';

const CONTEXT = { keys: KEYS, atMs: AT_MS };
const PATHS = ['/b', '/b/key', '/b/a%20b', '/'];
const METHODS = ['GET', 'PUT'];
const V2_DATE = new Date(AT_MS).toUTCString();
const MORE_HEADERS = [
  ...[
    'x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
    'x-amz-security-token: t',
    'date: x',
    'host: b',
  ],
  ...['x-amz-masquerade-tenant: other', `date: ${V2_DATE}`, 'x-amz-date: 20130524T000000Z', 'x-amz-meta-a:  b  c'],
];

/** The bucket and the key that a path names, however they are spelled. */
function namesIn(path: string): readonly (string | undefined)[] {
  const [, bucket, ...key] = path.split('/');
  return [bucket, key.length === 0 ? undefined : key.join('/')].map((name) => name && decodeURIComponent(name));
}

type Authenticate = (
  line: string,
  rawHeaders: readonly string[],
) => Promise<{ readonly identity: { readonly kind: string } }>;

/**
 * Requests that are signed, by header or in the query, and changed thereafter: nobody is somebody by a signature of
 * another method or path.
 */
export function signatures(authenticate: Authenticate = authenticateRaw): FuzzTarget {
  return {
    name: 'signatures',
    make(dice) {
      const method = dice.pick(METHODS);
      const path = dice.pick(PATHS);
      const request = { method, path, headers: { host: HOST } };
      let text: string;
      const kind = dice.below(4);
      if (kind === 0)
        text = `${method} ${presign(request, { ...CONTEXT, expiresSeconds: dice.pick([60, 0, '604801', 'x']) })}\nhost: ${HOST}`;
      else if (kind === 1)
        text = `${method} ${path}\nhost: ${HOST}\ndate: ${V2_DATE}\nauthorization: AWS ${KEYS.accessKeyId}:AAAA=`;
      else if (kind === 2)
        text = `${method} ${path}?AWSAccessKeyId=${KEYS.accessKeyId}&Expires=1500000000&Signature=AAAA%3D\nhost: ${HOST}`;
      else {
        const { headers } = signByHeader(request, UNSIGNED, CONTEXT);
        text = [`${method} ${path}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)].join('\n');
      }
      if (dice.chance(0.2)) text = text.replace(path, () => `/${perhaps(dice, ['b/other', 'c', 'b//key'])}`);
      if (dice.chance(0.3)) text += `\n${dice.pick(MORE_HEADERS)}`;
      return dice.chance(0.9) ? mutate(dice, text) : text;
    },
    async check(input) {
      const [line = '', ...lines] = input.split('\n');
      if (!/^[A-Z]+ [^ ]/.test(line)) return;
      const rawHeaders = lines.flatMap((each) => {
        const colon = each.indexOf(':');
        return colon < 1 ? [] : [each.slice(0, colon), each.slice(colon + 1).trim()];
      });
      const found = await attempt(
        () => authenticate(line, rawHeaders),
        (error) => error instanceof S3Error && error.status !== 500,
      );
      if (found === undefined || found.identity.kind === 'anonymous') return;
      const [method = '', url = ''] = line.split(' ');
      const path = url.replace(/^https?:\/\/[^/?]*/i, '').replace(/\?.*$/s, '');
      const isSigned =
        METHODS.includes(method) && PATHS.some((signed) => isDeepStrictEqual(namesIn(signed), namesIn(path)));
      demand(isSigned, `A signature was taken for ${line}.`);
    },
  };
}
