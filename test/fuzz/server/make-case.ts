import type { Dice } from '../dice.ts';
import { mutate } from '../mutate.ts';
import type { Manner } from './converse.ts';
import { makeRequest } from './make-request.ts';

/** Header lines that servers and proxies have read in more than one way. */
const ODD_LINES = [
  ...['Content-Length: 5', 'Content-Length: 0', 'Content-Length: 5, 5', 'Content-Length: +5', 'Content-Length:'],
  ...['Content-Length: 99999999999999999999', 'Content-Length : 5', 'Content-Length: 5\r\n 0', 'Content-Length: -1'],
  ...['Transfer-Encoding: chunked', 'Transfer-Encoding: identity', 'Transfer-Encoding: gzip, chunked', 'TE: trailers'],
  ...['Transfer-Encoding: xchunked', 'Transfer-Encoding:\tchunked', 'Transfer-Encoding: chunked\r\n '],
  ...['Host: elsewhere', 'Host: s3.test', 'Host: a b', 'X-A: 1\r\n 2', ' X-A: 1', 'X-A', ': 1', 'X A: 1', 'X-A: \x00'],
  ...[
    'X-A: 1\r2',
    'X-A: 1\n2',
    'Expect: 100-continue',
    'Expect: 200-ok',
    'Connection: close',
    'Connection: keep-alive',
  ],
  ...['Connection: upgrade\r\nUpgrade: h2c', 'Connection: x-amz-date', 'Trailer: x-a', `X-A: ${'a'.repeat(17_000)}`],
  ...['x-amz-date: 20130524T000000Z', 'authorization: AWS4-HMAC-SHA256 Credential=a', 'x-amz-content-sha256: UNSIGNED'],
];
const CUTS = ['whole', 'whole', 'whole', 'whole', '1', '7,1,64', '100', '1000,1'];

/** How the bytes go out and what comes after them, a line, and the bytes of one or more requests. */
export function makeCase(dice: Dice): string {
  const requests = Array.from({ length: dice.chance(0.3) ? 2 + dice.below(4) : 1 }, () => makeRequest(dice));
  const whole = requests.join('');
  if (dice.chance(0.4)) return `${dice.pick(CUTS)} open\n${whole}`;
  const changed = dice.chance(0.03) ? dice.bytes(200) : requests.map((each) => change(dice, each)).join('');
  // Waiting until the server has had enough costs more time than all else.
  const end = dice.chance(0.08)
    ? dice.pick(['open', 'open', 'endless'])
    : dice.pick(['half', 'half', 'half', 'destroy']);
  return `${dice.pick(CUTS)} ${end}\n${changed}`;
}

/** What `makeCase` wrote, or what shrinking has left of it. */
export function parseCase(input: string): { readonly manner: Manner; readonly text: string } {
  const end = input.indexOf('\n');
  const [cut = '', last] = input.slice(0, Math.max(end, 0)).split(' ');
  const lengths = cut
    .split(',')
    .map(Number)
    .filter((length) => length > 0);
  const known = last === 'half' || last === 'destroy' || last === 'endless' ? last : 'open';
  const pieceBytes = lengths.length > 0 ? lengths : [Number.POSITIVE_INFINITY];
  return { manner: { pieceBytes, end: known }, text: input.slice(end + 1) };
}

function change(dice: Dice, request: string): string {
  const headEnd = request.indexOf('\r\n\r\n');
  const head = request.slice(0, headEnd);
  const rest = request.slice(headEnd);
  switch (dice.below(8)) {
    case 0:
      return mutate(dice, request);
    case 1:
      return mutate(dice, head) + rest;
    case 2:
      return head + rest.slice(0, 4) + mutate(dice, rest.slice(4));
    case 3:
      return request.slice(0, dice.below(request.length));
    case 4:
      return request.slice(0, headEnd + 4 + dice.below(Math.max(1, rest.length - 4)));
    case 5:
      return request.replace(' HTTP/1.1', ` ${dice.pick(['HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'http/1.1', ''])}`);
    case 6: {
      const lines = head.split('\r\n');
      const line = dice.pick(lines);
      return `${lines.join('\r\n')}\r\n${dice.chance(0.5) ? line : line.replace(': ', ':\r\n ')}${rest}`;
    }
    default: {
      const [line = '', ...lines] = head.split('\r\n');
      const at = dice.below(lines.length + 1);
      return [line, ...lines.slice(0, at), dice.pick(ODD_LINES), ...lines.slice(at)].join('\r\n') + rest;
    }
  }
}
