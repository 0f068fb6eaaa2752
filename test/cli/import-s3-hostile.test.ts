import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { startServer } from '../../src/start-server.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import type { Ended } from './run-pithos.ts';

/**
 * What a source that means ill can do to `pithos import s3://`: lead it elsewhere, feed it without end, write where it
 * should not, speak to the terminal, and learn or spread secrets.
 */

const KEY = { SOURCE_ACCESS_KEY_ID: 'SOURCEKEY', SOURCE_SECRET_ACCESS_KEY: 'a-secret-of-the-source' };
const SECRET = KEY.SOURCE_SECRET_ACCESS_KEY;
const NOW = '2026-01-02T03:04:05.000Z';
/** More than any of these bodies may have come to, in bytes. */
const ENOUGH_BYTES = 64 * 1024 ** 2;
const BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>';

interface Row {
  readonly key: string;
  readonly size?: number | string;
  readonly etag?: string;
  readonly time?: string;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let home: TempDir;
let target: string;
beforeEach(async () => {
  home = await makeTempDir();
  target = join(home.path, 'data');
  // The program runs in this process, and refuses variables that are no settings: those of the tests.
  for (const name of Object.keys(process.env).filter((each) => each.startsWith('PITHOS_'))) vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries(KEY)) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await home[Symbol.asyncDispose]();
});

describe('a source that leads elsewhere', () => {
  test.each([301, 302, 303, 307, 308])('by %i is not followed, and told', async (status) => {
    await using victim = await startSource((_, response) => void response.end(page([{ key: 'secret' }])));
    const ended = await importFrom((_, response) => {
      response.writeHead(status, { location: `${victim.endpoint}/bucket?list-type=2` }).end();
    });
    expect(ended).toMatchObject({ code: 1, stdout: expect.stringContaining(`The source answered ${status}.`) });
    expect(victim.requestsCount()).toBe(0);
  });

  test('for one object is not followed either', async () => {
    await using victim = await startSource((_, response) => void response.end('secret'));
    const ended = await importObjects([{ key: 'a' }], (_, response) => {
      response.writeHead(302, { location: `${victim.endpoint}/latest/meta-data/` }).end();
    });
    expect(ended).toMatchObject({ code: 1, stdout: expect.stringContaining('bucket/a: The source answered 302.') });
    expect(victim.requestsCount()).toBe(0);
  });
});

describe('a source that sends without end', () => {
  test('is cut off where a range has more bytes than were asked for', async () => {
    let sentBytes = 0;
    const etag = `"${'0'.repeat(32)}-1"`;
    const ended = await importObjects([{ key: 'a', size: 100, etag }], (request, response) => {
      if (request.method === 'HEAD') {
        response.writeHead(200, { etag, 'content-length': '100', 'x-amz-mp-parts-count': '1' }).end();
        return;
      }
      response.writeHead(206, { etag, 'content-range': 'bytes 0-99/100' });
      sendForEver(response, (bytes) => {
        sentBytes += bytes;
      });
    });
    expect(ended).toMatchObject({ code: 1, stdout: expect.stringContaining('The source sent more than it said.') });
    expect(sentBytes).toBeLessThan(ENOUGH_BYTES);
  });

  test.each([
    ['a body without a length', { etag: '"x"' }, 'does not say how long it is'],
    ['a body of no possible length', { etag: '"x"', 'content-length': `${2 ** 53 - 1}` }, 'No object has more than'],
    ['a body longer than a part', { etag: '"x"', 'content-length': `${6 * 1024 ** 3}` }, 'where 4 were listed'],
  ])('%s is not begun', async (_, headers, sentence) => {
    let sentBytes = 0;
    const ended = await importObjects([{ key: 'a' }], (_request, response) => {
      response.writeHead(200, headers);
      sendForEver(response, (bytes) => {
        sentBytes += bytes;
      });
    });
    expect(ended).toMatchObject({ code: 1, stdout: expect.stringContaining(sentence) });
    expect(sentBytes).toBeLessThan(ENOUGH_BYTES);
  });

  test('is left where its document does not end', async () => {
    let sentBytes = 0;
    const ended = await importFrom((_, response) => {
      sendForEver(response, (bytes) => {
        sentBytes += bytes;
      });
    });
    expect(ended).toMatchObject({ code: 1, stdout: expect.stringContaining('is longer than 8388608 bytes') });
    expect(sentBytes).toBeLessThan(ENOUGH_BYTES);
  });

  test('is left where its listing goes on without showing anything', async () => {
    let pagesCount = 0;
    const ended = await importFrom((_, response) => {
      pagesCount += 1;
      response.end(
        page([], `<IsTruncated>true</IsTruncated><NextContinuationToken>${pagesCount}</NextContinuationToken>`),
      );
    });
    expect(ended).toMatchObject({ code: 1, stdout: expect.stringContaining('The listing of bucket does not go on.') });
    expect(pagesCount).toBeLessThan(200);
  });

  test('is left where its list of buckets does so', async () => {
    const endless = (_: IncomingMessage, response: ServerResponse) =>
      void response.end(`<R><ContinuationToken>${Math.random()}</ContinuationToken></R>`);
    const ended = await importFrom(endless, ['s3://', target]);
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('The list of buckets does not go on.') });
  });

  test('of headers is refused for the object that has them', async () => {
    const ended = await importObjects([{ key: 'a' }, { key: 'good' }], (request, response) => {
      const large = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`x-amz-meta-${n}`, 'x'.repeat(1000)]));
      response.writeHead(200, { ...(request.url?.endsWith('/a') && large), 'content-length': '4' }).end('body');
    });
    expect(ended).toMatchObject({ code: 1, stdout: expect.stringContaining('bucket/a: The connection to the source') });
    expect(await listed()).toEqual(['good']);
  });
});

describe('a document that blows up', () => {
  test.each([
    ['a listing', BOMB],
    ['a listing of deep elements', `${'<a>'.repeat(100_000)}`],
    ['a listing of a million elements', `<a>${'<b/>'.repeat(1_000_000)}</a>`],
  ])('%s is none of S3, at once', async (_, text) => {
    const ended = await importFrom((_request, response) => void response.end(text));
    expect(ended).toMatchObject({ code: 1, stdout: expect.stringContaining("The source's answer is none of S3") });
  });

  test('an error has its status alone', async () => {
    const ended = await importFrom((_, response) => void response.writeHead(403).end(BOMB));
    expect(ended).toMatchObject({ code: 1, stdout: expect.stringContaining('The source answered 403.') });
  });

  test.each([
    ['a thousand tags', '<Tag><Key>k</Key><Value>v</Value></Tag>'.repeat(1000), 'more than 10 tags'],
    ['a tag of a megabyte', `<Tag><Key>k</Key><Value>${'v'.repeat(2 ** 20)}</Value></Tag>`, 'TagValue'],
  ])('%s of an object are refused, and the rest is brought', async (_, tags, sentence) => {
    const ended = await importObjects([{ key: 'a' }, { key: 'good' }], (request, response) => {
      if (request.url?.includes('?tagging')) response.end(`<Tagging><TagSet>${tags}</TagSet></Tagging>`);
      else {
        const count = request.url?.endsWith('/a') ? { 'x-amz-tagging-count': '1' } : {};
        response.writeHead(200, { ...count, 'content-length': '4' }).end('body');
      }
    });
    expect(ended).toMatchObject({ code: 1, stdout: expect.stringContaining(sentence) });
    expect(await listed()).toEqual(['good']);
  });
});

describe('the keys of a source', () => {
  test('are never paths, and none reaches the terminal as anything but text', async () => {
    const keys = [
      '../../outside',
      '/etc/pithos-test',
      '..',
      'a/../../b',
      '\u001b]0;owned\u0007',
      'two\nlines',
      'c\\..\\d',
    ];
    const rows = keys.map((key) => ({ key: encodeURIComponent(key) }));
    const ended = await importFrom((request, response) => {
      if (request.url?.includes('list-type')) response.end(page(rows, '<EncodingType>url</EncodingType>'));
      else if (request.url?.includes('%0A') || request.url?.includes('%1B')) response.writeHead(403).end();
      else response.writeHead(200, { 'content-length': '4' }).end('body');
    });
    expect(ended.stdout).toContain('bucket/two\\u000alines: The source answered 403.');
    expect(ended.stdout).toContain('bucket/\\u001b]0;owned\\u0007: The source answered 403.');
    expect(ended.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(await readdir(home.path)).toEqual(['data']);
    expect(await listed()).toEqual(['..', '../../outside', '/etc/pithos-test', 'a/../../b', 'c\\..\\d']);
  });

  test('outside of the prefix that was asked for end the run, and replace nothing', async () => {
    const answer: Answer = (request, response) => {
      if (request.url?.includes('list-type')) response.end(page([{ key: 'in/a' }, { key: 'other' }]));
      else response.writeHead(200, { 'content-length': '4' }).end('evil');
    };
    const ended = await importFrom(answer, ['s3://bucket/in/', target]);
    expect(ended).toMatchObject({ code: 1, stdout: expect.stringContaining('has the key "other"') });
    expect(await listed()).toEqual(['in/a']);
  });

  test('that are empty or too long are told, and so are bucket names that may not be', async () => {
    const rows = [{ key: '' }, { key: 'x'.repeat(1025) }, { key: 'good' }];
    const ended = await importObjects(rows, whole);
    expect(ended.stdout.match(/Its key is empty or too long\./g)).toHaveLength(2);
    expect(await listed()).toEqual(['good']);
    const names = ['..', 'a/../b', 'A B', ''].map((name) => `<Bucket><Name>${name}</Name></Bucket>`).join('');
    const answer: Answer = (request, response) =>
      void response.end(request.url === '/' ? `<R><Buckets>${names}</Buckets></R>` : page([]));
    const all = await importFrom(answer, ['s3://', target]);
    expect(all).toMatchObject({ code: 1, stdout: expect.stringContaining('4 problems') });
  });
});

test.each([
  ['a length', { key: 'a', size: '1e3.5' }],
  ['a negative length', { key: 'a', size: -1 }],
  ['a time', { key: 'a', time: 'yesterday' }],
  ['a time before all others', { key: 'a', time: '-100000-01-01T00:00:00Z' }],
  ['a time after all others', { key: 'a', time: '+200000-01-01T00:00:00Z' }],
])('a listing with %s that cannot be is told, without a stack', async (_, row) => {
  const ended = await importObjects([row], whole);
  expect(ended).toMatchObject({
    code: 1,
    stderr: '',
    stdout: expect.stringContaining('says nothing of use about "a"'),
  });
});

test('a time of an object that cannot be is passed over', async () => {
  const headers = { 'content-length': '4', 'last-modified': 'Fri, 01 Jan -0900 00:00:00 GMT' };
  const ended = await importObjects([{ key: 'a' }], (_, response) => void response.writeHead(200, headers).end('body'));
  expect(ended).toMatchObject({ code: 0, stderr: '' });
});

test('bytes from another place than was asked for are not taken', async () => {
  const etag = `"${'0'.repeat(32)}-1"`;
  const ended = await importObjects([{ key: 'a', size: 4, etag }], (request, response) => {
    const length = { etag, 'content-length': '4' };
    if (request.method === 'HEAD') response.writeHead(200, { ...length, 'x-amz-mp-parts-count': '1' }).end();
    else response.writeHead(206, { ...length, 'content-range': 'bytes 4-7/8' }).end('body');
  });
  expect(ended).toMatchObject({ code: 1, stdout: expect.stringContaining('The source does not answer ranges.') });
});

test.each(['x-amz-meta-a: b\u0001c', 'x-amz-meta-a: b\rset-cookie: c', 'x-amz-meta-ä: b', ': b', 'content-length: 5'])(
  'a head with %j is none, and its object stays out',
  async (line) => {
    const ended = await importObjects([{ key: 'a' }], (_, response) => {
      response.socket?.end(Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: 4\r\n${line}\r\n\r\nbody`, 'latin1'));
    });
    expect(ended).toMatchObject({
      code: 1,
      stderr: '',
      stdout: expect.stringContaining('The connection to the source'),
    });
    expect(await listed()).toEqual([]);
  },
);

test('metadata comes back as metadata, whatever it is called', async () => {
  const headers = { 'x-amz-meta-__proto__': 'a', 'x-amz-meta-constructor': 'b', 'x-amz-version-id': 'forged' };
  const answer: Answer = (_, response) =>
    void response.writeHead(200, { ...headers, 'content-length': '4' }).end('body');
  expect(await importObjects([{ key: 'a' }], answer)).toMatchObject({ code: 0 });
  await withTarget(async (client) => {
    const { Metadata = {}, VersionId } = await client.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'a' }));
    expect(Object.entries(Metadata)).toContainEqual(['constructor', 'b']);
    expect(VersionId).toBeUndefined();
  });
});

test.each(['http://user:hunter2@127.0.0.1:1', 'http://:hunter2@127.0.0.1:1', 'http://h/?token=hunter2', 'hunter2'])(
  'the endpoint %s is refused without being repeated',
  async (endpoint) => {
    const ended = await runHere(['import', 's3://bucket', target, '--endpoint', endpoint]);
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('--endpoint is a URL such as') });
    expect(`${ended.stdout}${ended.stderr}`).not.toContain('hunter2');
  },
);

test('what a source says is passed on shortened, in one line, and its codes are words', async () => {
  const said = `<Error><Code>No\u000aSuch</Code><Message>${'m'.repeat(10_000)}\u000apithos: all is well</Message></Error>`;
  const ended = await importFrom((_, response) => void response.writeHead(400).end(said));
  expect(ended.stdout).toMatch(/^s3:\/\/bucket: The source answered 400: m{500}\.\nimported: .*\n$/);
});

async function importObjects(rows: readonly Row[], answer: Answer): Promise<Ended> {
  return await importFrom((request, response) => {
    if (request.url?.includes('list-type')) response.end(page(rows));
    else answer(request, response);
  });
}

/** Imports, and makes sure that no secret of the source's key was told to anybody. */
async function importFrom(answer: Answer, args: readonly string[] = ['s3://bucket', target]): Promise<Ended> {
  const heard: string[] = [];
  await using source = await startSource((request, response) => {
    heard.push(`${request.url} ${request.rawHeaders.join(' ')}`);
    answer(request, response);
  });
  const ended = await runHere(['import', ...args, '--endpoint', source.endpoint]);
  expect(`${ended.stdout}${ended.stderr}${heard.join()}`).not.toContain(SECRET);
  return ended;
}

/** Runs a command line in this process: there are many. */
async function runHere(argv: readonly string[]): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  const terminal = {
    print(text: string) {
      stdout += text;
    },
    complain(line: string) {
      stderr += `${line}\n`;
    },
    isTerminal: false,
  };
  const { signal } = new AbortController();
  const code = await runProgram(argv, { terminal, stop: signal, kill: signal });
  return { code, stdout, stderr };
}

async function startSource(answer: Answer) {
  let requestsCount = 0;
  const server = createServer((request, response) => {
    requestsCount += 1;
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    endpoint: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    requestsCount: () => requestsCount,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function whole(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-length': '4' }).end('body');
}

function page(rows: readonly Row[], more = ''): string {
  const contents = rows.map(
    ({ key, size = 4, etag = '"x"', time = NOW }) =>
      `<Contents><Key>${key}</Key><Size>${size}</Size><ETag>${etag}</ETag><LastModified>${time}</LastModified></Contents>`,
  );
  return `<ListBucketResult>${more}${contents.join('')}</ListBucketResult>`;
}

function sendForEver(response: ServerResponse, sent: (bytes: number) => void): void {
  const piece = Buffer.alloc(64 * 1024, 'x');
  const more = () => {
    while (!response.destroyed) {
      sent(piece.length);
      if (!response.write(piece)) return;
    }
  };
  response.on('drain', more).on('error', () => undefined);
  more();
}

async function listed(): Promise<readonly (string | undefined)[]> {
  return await withTarget(async (client) => {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'bucket' }));
    return Contents.map(({ Key }) => Key);
  });
}

async function withTarget<Value>(use: (client: S3Client) => Promise<Value>): Promise<Value> {
  await using server = await startServer({ store: { directory: target } });
  return await use(new S3Client(server.clientConfig()));
}
