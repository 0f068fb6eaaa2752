import { BLOCK_BYTES } from './md5-code.ts';

const LENGTH_BYTES = 8;

/**
 * What MD5 appends to a message of so many bytes, which makes whole blocks of it: a one bit, zeros, and its length in
 * bits. Source: RFC 1321, 3.1 and 3.2.
 */
export function md5Padding(messageBytes: number): Uint8Array {
  const lastBytes = (messageBytes + 1 + LENGTH_BYTES) % BLOCK_BYTES;
  const zeros = lastBytes === 0 ? 0 : BLOCK_BYTES - lastBytes;
  const padding = Buffer.alloc(1 + zeros + LENGTH_BYTES);
  const bits = messageBytes * 8;
  padding[0] = 0x80;
  padding.writeUInt32LE(bits % 2 ** 32, 1 + zeros);
  padding.writeUInt32LE(Math.floor(bits / 2 ** 32), 1 + zeros + 4);
  return padding;
}
