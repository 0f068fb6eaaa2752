import { expect, test } from 'vitest';
import { lendPiece, returnPiece } from '../stores/lent-pieces.ts';
import { ByteCursor } from './byte-cursor.ts';

test('a piece is returned once what was taken of it is, and the cursor is past it', async () => {
  const { cursor, returned } = cursorOn('5\r\nhel', 'lo\r\n', '0\r\n');
  expect(await cursor.takeLine(8)).toEqual({ bytes: '5\r' });
  const first = await cursor.take(5);
  const second = await cursor.take(2);
  expect([textOf(first), textOf(second)]).toEqual(['hel', 'lo']);
  expect(returned).toEqual([]);
  give(first);
  expect(returned).toEqual(['5\r\nhel']);
  expect(await cursor.takeLine(8)).toEqual({ bytes: '\r' });
  expect(await cursor.takeLine(8)).toEqual({ bytes: '0\r' });
  expect(returned).toEqual(['5\r\nhel']);
  give(second);
  expect(returned).toEqual(['5\r\nhel', 'lo\r\n']);
});

test('a piece of which only lines were read is returned too', async () => {
  const { cursor, returned } = cursorOn('5\r\n', 'x');
  await cursor.takeLine(8);
  await cursor.take(1);
  expect(returned).toEqual(['5\r\n']);
});

test('a piece that is taken whole is for whoever took it to return', async () => {
  const { cursor, returned } = cursorOn('hello', 'x');
  const whole = await cursor.take(5);
  await cursor.take(1);
  expect(returned).toEqual([]);
  give(whole);
  expect(returned).toEqual(['hello']);
});

/** A cursor on lent pieces, and those that came back. */
function cursorOn(...texts: string[]) {
  const returned: string[] = [];
  const pieces = texts.map((text) => lendPiece(Buffer.from(text), () => void returned.push(text)));
  return { cursor: new ByteCursor({ next: () => pieces.shift() }), returned };
}

function give(piece: Uint8Array | undefined): void {
  if (piece !== undefined) returnPiece(piece);
}

function textOf(piece: Uint8Array | undefined): string {
  return Buffer.from(piece ?? []).toString();
}
