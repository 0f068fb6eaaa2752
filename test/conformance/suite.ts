import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { withoutUserSettings } from '../support/serve-process.ts';
import { parseJunit } from './junit.ts';
import type { CaseResult } from './lists.ts';

/** Processes that run cases at once. */
const WORKERS = 2;
/** What one case may take; some compare megabytes byte by byte, in Python. */
const CASE_TIMEOUT_SECONDS = 300;
/** The suite's files of cases in its checkout. */
const CASE_FILES = ['s3tests/functional/test_s3.py', 's3tests/functional/test_headers.py'];
const PLUGIN_DIRECTORY = new URL('.', import.meta.url).pathname;

interface Account {
  /** Its section in the suite's configuration. */
  readonly section: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly userId: string;
  readonly displayName: string;
}

/** Who the suite works as; the last three stand for what a server with IAM would have. */
const ACCOUNTS: readonly Account[] = [
  account('s3 main', 'main', { displayName: 'Main Tester' }),
  account('s3 alt', 'alt', { displayName: 'Alternative Tester' }),
  account('s3 tenant', 'tenant', { displayName: 'Tenant Tester' }),
  account('iam', 'iam', { displayName: 'IAM Tester' }),
  account('iam root', 'root', { displayName: 'Root of the first account' }),
  account('iam alt root', 'altroot', { displayName: 'Root of the second account' }),
];

function account(section: string, name: string, { displayName }: { displayName: string }): Account {
  return {
    section,
    accessKey: `CONFORMANCE${name.toUpperCase()}`,
    secretKey: `secret/of+the=conformance*account+${name}`,
    userId: `conformance-${name}`,
    displayName,
  };
}

/** A tenant that policies of the suite name, and nobody signs for. */
const NAMED_TENANT = { tenant: 's3tenant1', secret: 'secret-that-nobody-signs-with' };

/** A configuration of `pithos serve` with the suite's accounts, and a second region of the name that the suite asks for. */
export function serverConfiguration(): string {
  const keys = ACCOUNTS.map(({ accessKey, secretKey, userId, displayName }) => [
    accessKey,
    { tenant: userId, secret: secretKey, 'display-name': displayName, email: `${userId}@example.com` },
  ]);
  return stringify({
    options: { 'signature-v2': true },
    keystore: { use: 'map', keys: { ...Object.fromEntries(keys), CONFORMANCENAMED: NAMED_TENANT } },
    bucketstore: { 'default-region': 'us-east-1' },
    regions: { 'us-east-1': {}, [SECOND_REGION]: {} },
  });
}

const SECOND_REGION = 'default';

/** The configuration of the suite for a server on the loopback interface. */
export function suiteConfiguration({ port }: { port: number }): string {
  const sections = ACCOUNTS.map(({ section, accessKey, secretKey, userId, displayName }) => [
    `[${section}]`,
    `access_key = ${accessKey}`,
    `secret_key = ${secretKey}`,
    `user_id = ${userId}`,
    `display_name = ${displayName}`,
    `email = ${userId}@example.com`,
    ...(section === 's3 main' ? [`api_name = ${SECOND_REGION}`] : []),
    ...(section === 's3 tenant' ? ['tenant = conformance'] : []),
  ]);
  return [
    '[DEFAULT]',
    'host = 127.0.0.1',
    `port = ${port}`,
    'is_secure = False',
    'ssl_verify = False',
    '[fixtures]',
    'bucket prefix = conformance-{random}-',
    'iam name prefix = conformance-',
    'iam path prefix = /conformance/',
    ...sections.flat(),
    '',
  ].join('\n');
}

export interface Suite {
  /** A checkout of ceph/s3-tests. */
  readonly checkout: string;
  /** A virtual environment with its requirements, pytest-xdist and pytest-timeout. */
  readonly venv: string;
  /** The suite's configuration file. */
  readonly configurationFile: string;
  /** Where reports may be written. */
  readonly scratch: string;
}

/**
 * Runs cases, and gives the result of each that exists. pytest's own output goes to this process' standard error.
 * Throws where pytest did not run to its end.
 */
export async function runCases(
  suite: Suite,
  ids: readonly string[],
  { parallel }: { parallel: boolean },
): Promise<ReadonlyMap<string, CaseResult>> {
  const report = join(suite.scratch, 'report.xml');
  const cases = join(suite.scratch, 'cases.txt');
  if (ids.length === 0) return new Map();
  await writeFile(cases, ids.join('\n'));
  const pytest = spawn(
    join(suite.venv, 'bin/pytest'),
    [
      ...['-q', '--tb=no', '--no-header', '-p', 'no:cacheprovider', '-p', 'suite_plugin'],
      ...['--timeout', String(CASE_TIMEOUT_SECONDS), '--junitxml', report],
      ...(parallel ? ['-n', String(WORKERS)] : []),
      ...CASE_FILES,
    ],
    {
      cwd: suite.checkout,
      stdio: ['ignore', 2, 2],
      env: {
        ...withoutUserSettings(process.env),
        CONFORMANCE_CASES: cases,
        S3TEST_CONF: suite.configurationFile,
        AWS_EC2_METADATA_DISABLED: 'true',
        PYTHONDONTWRITEBYTECODE: '1',
        PYTHONPATH: `${PLUGIN_DIRECTORY}:${suite.checkout}`,
      },
    },
  );
  const [code] = await once(pytest, 'exit');
  // 0: every case passed, 1: some failed, 5: there was none; anything else is a failure of the run.
  if (code !== 0 && code !== 1 && code !== 5) throw new Error(`pytest ended with ${code}.`);
  return parseJunit(await readFile(report, 'utf8'));
}
