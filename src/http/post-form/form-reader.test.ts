import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ByteSource } from '../byte-source.ts';
import { FIELDS_BYTES_MAX, readPostForm } from './form-reader.ts';

const TYPE = 'multipart/form-data; boundary=xyz';
const TOO_LARGE = 'MaxPostPreDataLengthExceededError';

test('a form is read as far as its file, however its bytes are cut', async () => {
  const file = Buffer.from('first line\r\n--xy\r\n--xy\r\n-\r\nlast line\r\n');
  const body = Buffer.concat([
    Buffer.from(
      `${part('key', 'größe')}${part('Empty', '')}${part('lines', 'a\r\nb\r\n--no')}${head('file', '; filename="a b.txt"')}`,
    ),
    file,
    Buffer.from(`\r\n--xyz\r\nwhatever stands behind`),
  ]);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 40 }), async (sizes) => {
      const form = await readPostForm(sourceOf(cut(body, sizes)), TYPE);
      expect([...form.fields]).toEqual([
        ['key', 'größe'],
        ['empty', ''],
        ['lines', 'a\r\nb\r\n--no'],
      ]);
      expect(form.filename).toBe('a b.txt');
      expect(await collect(form.file)).toEqual(file);
    }),
  );
});

describe('the name of the file', () => {
  test.each([
    ['; filename="C:\\\\folder\\\\a.txt"', 'a.txt'],
    ['; filename="../../etc/passwd"', 'passwd'],
    ['; filename="a \\"b\\".txt"', 'a "b".txt'],
    ['; filename=plain.txt', 'plain.txt'],
    ['; filename="x"; filename*=UTF-8\'\'gr%C3%B6%C3%9Fe.txt', 'größe.txt'],
    ['; filename="x.txt"; filename*=UTF-8\'\'%ff', 'x.txt'],
    ["; filename*=UTF-8''a%0A/../b.txt", 'b.txt'],
    ['', ''],
  ])('%s is %j', async (parameters, name) => {
    const form = await readPostForm(sourceOf([Buffer.from(`${head('file', parameters)}x\r\n--xyz--`)]), TYPE);
    expect(form.filename).toBe(name);
  });
});

test('fields that have file names are fields, and a boundary may be quoted and padded', async () => {
  const body = `preamble\r\n--a b\t \r\nContent-Type: x\r\nContent-Disposition: form-data; name="KEY"; filename="f"\r\n\r\nv\r\n--a b\r\ncontent-disposition: FORM-DATA; name=file\r\n\r\nx\r\n--a b--\r\n`;
  const form = await readPostForm(sourceOf([Buffer.from(body)]), 'multipart/form-data; charset=x; boundary="a b"');
  expect([...form.fields]).toEqual([['key', 'v']]);
  expect((await collect(form.file)).toString()).toBe('x');
});

test.each([
  ['no boundary in its type', 'multipart/form-data', `${head('file')}x\r\n--xyz--`, 'MalformedPOSTRequest'],
  ['no boundary in its body', TYPE, 'key=value', 'MalformedPOSTRequest'],
  ['no bytes', TYPE, '', 'MalformedPOSTRequest'],
  ['no file', TYPE, `${part('key', 'x')}--xyz--\r\n`, 'IncorrectNumberOfFilesInPostRequest'],
  ['no parts', TYPE, '--xyz--\r\n', 'IncorrectNumberOfFilesInPostRequest'],
  ['a part without a disposition', TYPE, '--xyz\r\nContent-Type: x\r\n\r\nv\r\n--xyz--', 'MalformedPOSTRequest'],
  [
    'a part without a name',
    TYPE,
    '--xyz\r\nContent-Disposition: form-data\r\n\r\nv\r\n--xyz--',
    'MalformedPOSTRequest',
  ],
  ['something behind a boundary', TYPE, `--xyzw\r\n${head('file').slice(7)}x\r\n--xyz--`, 'MalformedPOSTRequest'],
  ['a field twice', TYPE, `${part('key', 'a')}${part('KEY', 'b')}${head('file')}x`, 'InvalidArgument'],
  ['a field that never ends', TYPE, `${head('key')}value`, 'MalformedPOSTRequest'],
  ['a field too large', TYPE, `${part('key', 'x'.repeat(FIELDS_BYTES_MAX + 1))}${head('file')}x`, TOO_LARGE],
  [
    'fields too large together',
    TYPE,
    `${part('a', 'x'.repeat(15_000))}${part('b', 'x'.repeat(6_000))}--xyz--`,
    TOO_LARGE,
  ],
  ['a header too large', TYPE, `--xyz\r\nX: ${'x'.repeat(5_000)}\r\n\r\n`, TOO_LARGE],
  ['headers without end', TYPE, `--xyz\r\n${'X: y\r\n'.repeat(40_000)}`, TOO_LARGE],
  ['a preamble without end', TYPE, 'x'.repeat(200_000), TOO_LARGE],
])('a form with %s is refused', async (_, type, body, code) => {
  await expect(readPostForm(sourceOf(cut(Buffer.from(body), [1000])), type)).rejects.toMatchObject({ code });
});

test('a file that ends before a boundary is refused at its end', async () => {
  const form = await readPostForm(sourceOf([Buffer.from(`${head('file')}half\r\n--xy`)]), TYPE);
  await expect(collect(form.file)).rejects.toMatchObject({ code: 'MalformedPOSTRequest' });
});

test('fields that come byte by byte are not copied for each byte', async () => {
  const source = sourceOf(cut(Buffer.from(`${'x'.repeat(120_000)}\r\n${head('file')}x\r\n--xyz--`), [1]));
  // Of this process, for the machine may be busy with others.
  const start = process.cpuUsage();
  expect((await collect((await readPostForm(source, TYPE)).file)).toString()).toBe('x');
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1_000).toBeLessThan(1_000);
});

test('no bytes at all make it fail otherwise than by name', async () => {
  const pieces = fc.array(
    fc.oneof(
      fc.constantFrom(
        '\r\n',
        '--xyz',
        '--',
        'Content-Disposition: form-data; name="',
        'file"',
        ';',
        '"',
        '\r\n\r\n',
        '\\',
      ),
      fc.string({ maxLength: 20 }),
    ),
    { maxLength: 40 },
  );
  await fc.assert(
    fc.asyncProperty(pieces, fc.integer({ min: 1, max: 30 }), async (texts, size) => {
      try {
        const form = await readPostForm(sourceOf(cut(Buffer.from(texts.join('')), [size])), TYPE);
        await collect(form.file);
      } catch (error) {
        expect(error).toMatchObject({ name: 'S3Error', status: 400 });
      }
    }),
    { numRuns: 500 },
  );
});

function head(name: string, parameters = ''): string {
  return `--xyz\r\nContent-Disposition: form-data; name="${name}"${parameters}\r\n\r\n`;
}

function part(name: string, value: string): string {
  return `${head(name)}${value}\r\n`;
}

/** Pieces of these sizes, over and over. */
function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let start = 0, turn = 0; start < bytes.length; turn += 1) {
    const end = start + (sizes[turn % sizes.length] ?? 1);
    pieces.push(bytes.subarray(start, end));
    start = end;
  }
  return pieces;
}

function sourceOf(pieces: readonly Uint8Array[]): ByteSource {
  const left = pieces.values();
  return { next: () => left.next().value };
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const collected: Uint8Array[] = [];
  for await (const piece of pieces) collected.push(Buffer.from(piece));
  return Buffer.concat(collected);
}
