import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientPath, runClient } from './client.ts';
import { digestFile, MIB, writeRandomFile } from './files.ts';
import { type Pithos, startPithos } from './pithos.ts';

let pithos: Pithos;

beforeAll(async () => {
  pithos = await startPithos();
  await writeSettings();
});

afterAll(() => pithos?.[Symbol.asyncDispose]());

const path = (name: string): string => join(pithos.folder, name);
const aws = (...args: string[]): Promise<string> => runClient('aws', args, { cwd: pithos.folder, env: pithos.env });

/** Runs a main class of Hadoop, whose jobs run in the same process. */
function hadoop(mainClass: string, ...args: string[]): Promise<string> {
  const classPath = [path('settings'), join(clientPath('hadoop'), '*')].join(delimiter);
  const java = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', classPath];
  return runClient('java', [...java, mainClass, ...args], { cwd: pithos.folder, env: pithos.env });
}

async function writeSettings(): Promise<void> {
  const settings = {
    'fs.s3a.endpoint': pithos.endpoint,
    'fs.s3a.endpoint.region': 'us-east-1',
    'fs.s3a.path.style.access': 'true',
    'fs.s3a.access.key': pithos.accessKeyId,
    'fs.s3a.secret.key': pithos.secretAccessKey,
    'fs.s3a.attempts.maximum': '1',
    'fs.s3a.multipart.size': '5M',
    'fs.s3a.multipart.threshold': '5M',
    'hadoop.tmp.dir': path('hadoop'),
  };
  const properties = Object.entries(settings).map(
    ([name, value]) => `<property><name>${name}</name><value>${value}</value></property>`,
  );
  await mkdir(path('settings'));
  await writeFile(path('settings/core-site.xml'), `<configuration>${properties.join('')}</configuration>`);
}

const shell = (...args: string[]): Promise<string> => hadoop('org.apache.hadoop.fs.FsShell', ...args);

describe("Hadoop's S3A", () => {
  test('runs the word count of its examples from objects to objects', async () => {
    const line = 'the quick brown fox jumps over the lazy dog\n';
    await writeFile(path('words.txt'), line.repeat(2_000));
    await aws('s3', 'mb', 's3://hadoop-words');
    await aws('s3', 'cp', 'words.txt', 's3://hadoop-words/in/one.txt');
    await aws('s3', 'cp', 'words.txt', 's3://hadoop-words/in/two.txt');
    await hadoop('org.apache.hadoop.examples.WordCount', 's3a://hadoop-words/in', 's3a://hadoop-words/out');
    const left = await aws('s3', 'ls', '--recursive', 's3://hadoop-words/out/');
    expect(left.match(/out\/\S+/g)).toEqual(['out/_SUCCESS', 'out/part-r-00000']);
    expect(await aws('s3', 'cp', 's3://hadoop-words/out/part-r-00000', '-')).toBe(
      'brown\t4000\ndog\t4000\nfox\t4000\njumps\t4000\nlazy\t4000\nover\t4000\nquick\t4000\nthe\t8000\n',
    );
  });

  test('stores a folder with a file in parts, renames it, and reads the same bytes back', async () => {
    await writeRandomFile(path('folder/large.bin'), 12 * MIB);
    await aws('s3', 'mb', 's3://hadoop-files');
    await shell('-put', 'folder', 's3a://hadoop-files/folder');
    expect(await aws('s3api', 'head-object', '--bucket', 'hadoop-files', '--key', 'folder/large.bin')).toMatch(
      /[0-9a-f]{32}-3\\"/,
    );
    await shell('-mv', 's3a://hadoop-files/folder', 's3a://hadoop-files/renamed');
    await shell('-get', 's3a://hadoop-files/renamed/large.bin', 'large.back');
    expect(await digestFile(path('large.back'))).toBe(await digestFile(path('folder/large.bin')));
  });
});
