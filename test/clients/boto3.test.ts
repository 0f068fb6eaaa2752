import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runClient } from './client.ts';
import { type Pithos, startPithos } from './pithos.ts';

const SCRIPT = new URL('boto3_cases.py', import.meta.url).pathname;

const CASES = [
  { name: 'upload_file_in_parts', holds: 'upload_file stores a file in parts and download_file reads the same bytes' },
  { name: 'default_checksums', holds: 'checksums are sent by default, kept, given back and enforced' },
  { name: 'unicode_keys_and_metadata', holds: 'keys of any Unicode text, in UTF-8 order, with their metadata' },
  { name: 'pages', holds: 'listings come in pages and by common prefixes; a batch deletes them all' },
  { name: 'presigned_urls', holds: 'a presigned URL stores and reads; a stranger does neither' },
  { name: 'one_winner_of_many', holds: 'of many that create one key at once, one wins' },
  { name: 'resource_interface', holds: 'the resource interface reads ranges, copies and empties a bucket' },
];

let pithos: Pithos;

beforeAll(async () => {
  pithos = await startPithos();
});

afterAll(() => pithos?.[Symbol.asyncDispose]());

describe('boto3', () => {
  test.for(CASES)('$holds', async ({ name }) => {
    await runClient('python', [SCRIPT, name], { cwd: pithos.folder, env: pithos.env });
  });

  test('has each of its cases run', () => {
    const [, list = ''] = readFileSync(SCRIPT, 'utf8').split('CASES = [');
    const names = [...list.matchAll(/^ {4}(\w+),$/gm)].map((match) => match[1]);
    expect(CASES.map((entry) => entry.name)).toEqual(names);
  });
});
