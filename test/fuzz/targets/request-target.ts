import { S3Error } from '../../../src/domain/s3-error.ts';
import { parseTarget, parseVirtualHosts } from '../../../src/http/target.ts';
import type { Dice } from '../dice.ts';
import { attempt, demand, type FuzzTarget } from '../fuzz-target.ts';
import { mutate, perhaps } from '../mutate.ts';

const VIRTUAL_HOSTS = parseVirtualHosts(['s3.example.com', 'example.com:9000']);
const HOSTS = [
  's3.example.com',
  'a.s3.example.com',
  'b.c.localhost:80',
  '[::1]:9000',
  '127.0.0.1',
  'x.example.com:9000',
];
const PIECES = [
  'bucket',
  'a',
  '%41',
  '%C3%A9',
  '%2F',
  '.',
  '..',
  '',
  'key+1',
  '~',
  '%F0%9F%98%80',
  '%2541',
  '%EF%BF%BD',
];
const PAIRS = ['versionId=1', 'uploads', 'prefix=a%20b', 'a=b=c', '=', '', 'x+y=z', 'partNumber=1', 'uploadId=%41'];

/** Request targets with their hosts, as lines: the names are the path, decoded once. */
export function requestTarget(parse: typeof parseTarget = parseTarget): FuzzTarget {
  return {
    name: 'request-target',
    make(dice: Dice): string {
      const path = dice.some(5, () => `/${perhaps(dice, PIECES)}`).join('') || '/';
      const query = dice.some(4, () => perhaps(dice, PAIRS)).join('&');
      const authority = dice.chance(0.1) ? `http://${perhaps(dice, HOSTS)}` : '';
      const url = `${authority}${path}${query === '' ? '' : `?${query}`}`;
      return `${perhaps(dice, HOSTS)}\n${dice.chance(0.2) ? mutate(dice, url) : url}`;
    },
    async check(input) {
      const end = input.indexOf('\n');
      const source = { host: input.slice(0, Math.max(end, 0)), url: input.slice(end + 1) };
      const parsed = await attempt(
        () => parse(source, VIRTUAL_HOSTS),
        (error) => error instanceof S3Error,
      );
      if (parsed === undefined) return;
      const { bucket, key, rawPath } = parsed;
      demand(key !== '' && bucket?.includes('\0') !== true, 'A key is empty, or a bucket holds a NUL.');
      const names = parsed.style === 'path' ? `/${bucket ?? ''}` : '';
      const slash = key === undefined && !(rawPath.indexOf('/', 1) > 0 && parsed.style === 'path') ? '' : '/';
      const all = parsed.style === 'path' ? `${names}${slash}${key ?? ''}` : `/${key ?? ''}`;
      demand(decodedOnce(rawPath) === all, 'The names are not those of the path, decoded once.');
    },
  };
}

/** The text of a path: every escape is one byte, and the bytes are UTF-8. */
function decodedOnce(rawPath: string): string {
  const bytes = rawPath.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
