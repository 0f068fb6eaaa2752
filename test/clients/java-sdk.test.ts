import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { clientPath, runClient } from './client.ts';
import { type Pithos, startPithos } from './pithos.ts';

const PROGRAM = new URL('java-sdk/SdkCases.java', import.meta.url).pathname;

const CASES = [
  { name: 'signed_chunks', holds: 'bodies in signed chunks, with a checksum behind them or none, come back the same' },
  { name: 'transfer_manager', holds: 'the transfer manager stores in parts, copies and reads the same bytes back' },
  { name: 'pages_and_errors', holds: 'listings come in pages, a batch deletes, and errors have their types' },
  { name: 'presigned', holds: 'a presigned URL reads; a changed one does not' },
];

let pithos: Pithos;

beforeAll(async () => {
  pithos = await startPithos();
});

afterAll(() => pithos?.[Symbol.asyncDispose]());

describe('the AWS SDK for Java', () => {
  test.for(CASES)('$holds', async ({ name }) => {
    const env = { ...pithos.env, AWS_REGION: 'us-east-1' };
    const jars = join(clientPath('java-sdk'), '*');
    await runClient('java', ['-cp', jars, PROGRAM, name], { cwd: pithos.folder, env });
  });
});
