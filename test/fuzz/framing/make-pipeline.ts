import type { Dice } from '../dice.ts';
import { mutate, perhaps } from '../mutate.ts';

const METHODS = ['GET', 'PUT', 'POST', 'HEAD', 'DELETE', 'OPTIONS'];
const TARGETS = ['/', '/b/k', '/b/a%20b?acl', '/b?list-type=2&prefix=a/b', '*', '/b/;"<>\\^`{|}[]', '/b/k#f?g#h'];
const HEADERS = [
  'Connection: close',
  'connection: Keep-Alive',
  'Connection: keep-alive, CLOSE',
  'Connection: x,\tclose ,',
  'Connection: close x',
  'Connection: "close"',
  'Connection:',
  'Connection: upgrade',
  'Upgrade: h2c',
  'Expect: 100-Continue',
  'Expect: nothing',
  'X-Amz-Meta-A: \t a \xe4\x80\xff b\t ',
  'x-empty:',
  'X-Empty: ',
  'X-Colon: a:b',
  'Range: bytes=0-1',
  'a!#$%&\'*+-.^_`|~9: "',
  'Trailer: x-a',
];
/** What two parsers may read differently. */
const DOUBTFUL = [
  'Content-Length: 3',
  'content-length: 0',
  'CONTENT-LENGTH:',
  'Content-Length: +3',
  'Content-Length: 3, 3',
  'Content-Length: 003',
  'Content-Length: 0x3',
  'Content-Length: 9007199254740992',
  'Content-Length : 3',
  'Transfer-Encoding: chunked',
  'transfer-encoding: CHUNKED ',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: "chunked"',
  'Transfer-Encoding:\x0bchunked',
  'Transfer-Encoding: chunked\t',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding:',
  'Host: other',
  'Host : a',
  'X-Folded: a\r\n b',
  'X-Folded: a\r\n\tContent-Length: 3',
  ' Content-Length: 3',
  'X-Bare: a\nContent-Length: 3',
  'X-Bare: a\rContent-Length: 3',
  'X: a\r',
  'no colon',
  ': no name',
  'X-Nul: a\0b',
  'X-Del: \x7f',
];
const EXTENSIONS = [';a', ';a=b', ';a="b c"', ';a="\\"";b', ' ;a', '; a = b', ';', ';=', ';a="b', ' ', '\t', ';\xe4'];
const TRAILERS = [
  'x-amz-checksum-crc32: AAAAAA==',
  'X: ',
  'Content-Length: 3',
  'Transfer-Encoding: chunked',
  'Connection: close',
  'Host: b',
  'X : a',
  ' folded',
  'X-Bare: a\nb',
  'X: \xff\t',
  'X: \x7f',
  'none',
];

/** Requests of HTTP/1.1 one after the other, one character a byte: mostly right, most of the rest nearly. */
export function makePipeline(dice: Dice): string {
  const requests = Array.from({ length: 1 + dice.below(3) }, () => requestOf(dice)).join('');
  return dice.chance(0.5) ? mutate(dice, requests) : requests;
}

function requestOf(dice: Dice): string {
  const { headers, body } = bodyOf(dice);
  const lines = [
    `${perhaps(dice, METHODS, 0.02)} ${perhaps(dice, TARGETS, 0.05)} ${perhaps(dice, ['HTTP/1.1'], 0.03)}`,
    ...(dice.chance(0.97) ? ['Host: localhost:9000'] : []),
    ...dice.some(3, () => perhaps(dice, HEADERS, 0.05)),
    ...headers,
    ...(dice.chance(0.1) ? [perhaps(dice, DOUBTFUL)] : []),
  ];
  if (dice.chance(0.05)) lines[0] = `${lines[0]?.slice(0, -1)}0`;
  const empty = dice.chance(0.1) ? dice.pick(['\r\n', '\r\n\r\n', '\n', '\r']) : '';
  return `${empty}${lines.join('\r\n')}\r\n\r\n${body}`;
}

function bodyOf(dice: Dice): { readonly headers: readonly string[]; readonly body: string } {
  const how = dice.next();
  if (how < 0.3) return { headers: [], body: '' };
  if (how < 0.6) {
    const body = dice.bytes(40);
    const length = dice.chance(0.95) ? body.length : dice.below(60);
    return { headers: [`${perhaps(dice, ['Content-Length', 'content-length'], 0.03)}: ${length}`], body };
  }
  const chunks = dice.some(3, () => chunkOf(dice, dice.bytes(30))).join('');
  const trailers = dice.chance(0.2) ? dice.some(2, () => `${perhaps(dice, TRAILERS)}\r\n`) : [];
  const body = `${chunks}${dice.pick(['0', '0', '0', '000'])}${extensionOf(dice)}\r\n${trailers.join('')}\r\n`;
  return { headers: [perhaps(dice, ['Transfer-Encoding: chunked', 'transfer-encoding: Chunked'], 0.03)], body };
}

function chunkOf(dice: Dice, bytes: string): string {
  if (bytes === '') return '';
  const hex = bytes.length.toString(16);
  const size = dice.pick([hex, hex, hex.toUpperCase(), `00${hex}`]);
  return `${dice.chance(0.97) ? size : perhaps(dice, [`0x${hex}`, `+${hex}`, ` ${hex}`, 'ffffffffffffffff'])}${extensionOf(dice)}\r\n${bytes}\r\n`;
}

function extensionOf(dice: Dice): string {
  return dice.chance(0.1) ? perhaps(dice, EXTENSIONS) : '';
}
