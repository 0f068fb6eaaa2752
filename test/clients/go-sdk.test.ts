import { afterAll, beforeAll, describe, test } from 'vitest';
import { runClient } from './client.ts';
import { type Pithos, startPithos } from './pithos.ts';

const CASES = [
  {
    name: 'transfer',
    holds: 'a stream of unknown length goes up in parts and comes back in ranges, with its checksum',
  },
  { name: 'pages', holds: 'listings come in pages and by common prefixes; a batch deletes them all' },
  { name: 'presigned', holds: 'a presigned URL stores and reads; a changed one does neither' },
  { name: 'conditions', holds: 'conditions hold, and errors have the types that the SDK knows' },
];

let pithos: Pithos;

beforeAll(async () => {
  pithos = await startPithos();
});

afterAll(() => pithos?.[Symbol.asyncDispose]());

describe('the AWS SDK for Go', () => {
  test.for(CASES)('$holds', async ({ name }) => {
    const env = { ...pithos.env, AWS_REGION: 'us-east-1' };
    await runClient('go', [name], { cwd: pithos.folder, env });
  });
});
