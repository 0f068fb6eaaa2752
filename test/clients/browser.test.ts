import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketCorsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { createPresignedPost, type PresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientPath } from './client.ts';
import { type Pithos, startPithos } from './pithos.ts';

/** A page of another origin than the server's, as a web application has it. */
interface Site extends AsyncDisposable {
  readonly origin: string;
}

const Bucket = 'browser-uploads';
const QUIET = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];

let pithos: Pithos;
let s3: S3Client;
let browser: Browser;
let site: Site;
let stranger: Site;

beforeAll(async () => {
  pithos = await startPithos();
  const { endpoint, accessKeyId, secretAccessKey } = pithos;
  s3 = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  [site, stranger] = [await openSite('127.0.0.2'), await openSite('127.0.0.3')];
  await s3.send(new CreateBucketCommand({ Bucket }));
  const rule = { AllowedOrigins: [site.origin], AllowedMethods: ['GET', 'PUT'], AllowedHeaders: ['*'] };
  const CORSConfiguration = { CORSRules: [{ ...rule, ExposeHeaders: ['ETag'], MaxAgeSeconds: 60 }] };
  await s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration }));
  browser = await chromium.launch({ executablePath: clientPath('chromium'), args: QUIET });
});

afterAll(async () => {
  await browser?.close();
  s3?.destroy();
  await site?.[Symbol.asyncDispose]();
  await stranger?.[Symbol.asyncDispose]();
  await pithos?.[Symbol.asyncDispose]();
});

describe('Chromium', () => {
  test('lets a page of an allowed origin upload by a presigned URL, and read what it uploaded', async () => {
    const page = await openPage(site);
    const headers = { 'x-amz-meta-color': 'blue', 'content-type': 'text/plain' };
    const put = new PutObjectCommand({
      Bucket,
      Key: 'fetched',
      ContentType: 'text/plain',
      Metadata: { color: 'blue' },
    });
    const putUrl = await getSignedUrl(s3, put, { unhoistableHeaders: new Set(['x-amz-meta-color']) });
    const getUrl = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'fetched' }));
    const etag = await page.evaluate(putByFetch, { url: putUrl, headers });
    expect(etag).toMatch(/^"[0-9a-f]{32}"$/);
    expect(await page.evaluate(getByFetch, getUrl)).toBe('from the page');
  });

  test('keeps a page of another origin away', async () => {
    const page = await openPage(stranger);
    const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'fetched' }));
    expect(await page.evaluate(getByFetch, url)).toBe('TypeError');
  });

  test('sends a form with a file, and goes where that says', async () => {
    const file = join(pithos.folder, 'a ü "b".txt');
    await writeFile(file, 'from the form\n');
    const post = await createPresignedPost(s3, {
      Bucket,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the server puts the name of the file there.
      Key: 'forms/${filename}',
      Fields: { success_action_redirect: `${site.origin}/done`, 'Content-Type': 'text/plain' },
      Conditions: [['content-length-range', 1, 1000]],
    });
    const page = await openPage(stranger);
    await fillForm(page, post, file);
    await page.waitForURL(`${site.origin}/done?**`);
    const { searchParams } = new URL(page.url());
    expect(searchParams.get('bucket')).toBe(Bucket);
    const stored = await s3.send(new GetObjectCommand({ Bucket, Key: searchParams.get('key') ?? '' }));
    expect(await stored.Body?.transformToString()).toBe('from the form\n');
    expect([stored.ETag, stored.ContentType]).toEqual([searchParams.get('etag'), 'text/plain']);
    expect(searchParams.get('key')).toMatch(/^forms\/a ü .*b.*\.txt$/);
  });

  test('shows why a form is refused', async () => {
    const file = join(pithos.folder, 'large.txt');
    await writeFile(file, 'x'.repeat(2000));
    const post = await createPresignedPost(s3, {
      Bucket,
      Key: 'large',
      Conditions: [['content-length-range', 1, 1000]],
    });
    const page = await openPage(site);
    await fillForm(page, post, file);
    await page.waitForURL(`${pithos.endpoint}/**`);
    expect(await page.content()).toContain('EntityTooLarge');
  });
});

/** Serves one empty page, whatever is asked for. */
async function openSite(host: string): Promise<Site> {
  const server = createServer((_, response) =>
    response.setHeader('content-type', 'text/html').end('<title>site</title>'),
  );
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://${host}:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function openPage({ origin }: Site): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(origin);
  return page;
}

async function fillForm(page: Page, { url, fields }: PresignedPost, file: string): Promise<void> {
  const inputs = Object.entries(fields).map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`);
  await page.setContent(
    `<form method="post" enctype="multipart/form-data" action="${url}">${inputs.join('')}<input type="file" name="file"><button>Send</button></form>`,
  );
  await page.setInputFiles('input[type=file]', file);
  await page.click('button');
}

/** Runs in the page. */
async function putByFetch({ url, headers }: { url: string; headers: Record<string, string> }): Promise<string | null> {
  const answer = await fetch(url, { method: 'PUT', headers, body: 'from the page' });
  return answer.headers.get('etag');
}

/** Runs in the page: the text, or the name of the error. */
async function getByFetch(url: string): Promise<string> {
  try {
    return await (await fetch(url)).text();
  } catch (error) {
    return error instanceof Error ? error.name : 'thrown';
  }
}
