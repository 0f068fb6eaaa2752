import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError } from '../../../src/config/configuration-error.ts';
import { loadConfiguration } from '../../../src/config/load.ts';
import { parseTenantId } from '../../../src/domain/names.ts';
import { S3Error } from '../../../src/domain/s3-error.ts';
import { checkPostPolicy } from '../../../src/http/post-form/post-policy.ts';
import { type Edn, EdnError, readEdn } from '../../../src/moving/edn.ts';
import { translateAcl, translateCors, translateTime } from '../../../src/moving/original-values.ts';
import { parsePolicy } from '../../../src/policy/parse-policy.ts';
import type { Dice } from '../dice.ts';
import { attempt, type FuzzTarget } from '../fuzz-target.ts';
import { mutate, perhaps } from '../mutate.ts';

const OWNER = { tenant: parseTenantId('tenant'), displayName: 'Tenant' };
const EDN_ATOMS = [
  ...[
    'nil',
    'true',
    'false',
    '1',
    '-2.5e3',
    '10N',
    ':FULL_CONTROL',
    ':READ',
    ':ID',
    ':DisplayName',
    ':URI',
    '"anonymous"',
  ],
  ...['"a\\u0041\\n"', '":x"', ':allowed-origin', ':max-age-seconds', '"*"', ':ns/name', '[]', '#{}', '()', '{}'],
];

/** EDN, and what is read of columns that hold it. */
export function edn(read: (text: string) => Edn = readEdn): FuzzTarget {
  return {
    name: 'edn',
    make(dice) {
      const text = ednText(dice, dice.chance(0.05) ? 40 : 4);
      return dice.chance(0.4) ? mutate(dice, text) : text;
    },
    async check(input) {
      await attempt(
        () => read(input),
        (error) => error instanceof EdnError,
      );
      translateAcl(input, OWNER);
      translateCors(input);
      translateTime(input);
    },
  };
}

function ednText(dice: Dice, depth: number): string {
  if (depth === 0 || (depth < 5 && dice.chance(0.4))) return perhaps(dice, EDN_ATOMS, 0.05);
  const [open, close] = dice.pick([
    ['{', '}'],
    ['[', ']'],
    ['(', ')'],
    ['#{', '}'],
  ] as const);
  const count = depth > 4 ? 1 : open === '{' ? 2 * dice.below(3) : dice.below(4);
  return `${open}${Array.from({ length: count }, () => ednText(dice, depth - 1)).join(dice.pick([' ', ', ', '\n']))}${close}`;
}

const POLICY_NAMES = [
  ...['Version', 'Id', 'Statement', 'Sid', 'Effect', 'Principal', 'NotPrincipal', 'Action', 'NotAction', 'Resource'],
  ...[
    'NotResource',
    'Condition',
    'StringLike',
    'ForAllValues:StringEquals',
    'IpAddress',
    'DateLessThanIfExists',
    'Null',
  ],
  ...['aws:SourceIp', 's3:prefix', 'aws:CurrentTime', 's3:ExistingObjectTag/a', 'AWS', 'CanonicalUser', '__proto__'],
];
const POLICY_TEXTS = [
  ...['2012-10-17', 'Allow', 'Deny', '*', 's3:*', 's3:Get*', 'arn:aws:s3:::bucket/*', 'arn:aws:iam::tenant:root'],
  ...[
    '10.0.0.0/8',
    '2026-01-01T00:00:00Z',
    'true',
    `${'$'}{aws:username}`,
    `${'$'}{aws:username, 'x'}`,
    `${'$'}{*}`,
    '****?***',
  ],
];
const FORM_CONDITIONS = ['eq', 'starts-with', 'content-length-range', '$key', '$bucket', '1', 'bucket', 'EQ'];

/** Policies of buckets: JSON of the right shape, and of any other. */
export function bucketPolicy(parse: typeof parsePolicy = parsePolicy): FuzzTarget {
  return {
    name: 'bucket-policy',
    make(dice) {
      const shape = dice.chance(0.3) ? anyJson(dice, 4, POLICY_NAMES, POLICY_TEXTS) : policyShape(dice);
      const text = JSON.stringify(shape);
      return dice.chance(0.3) ? mutate(dice, text) : text;
    },
    async check(input) {
      for (const kind of ['bucket', 'identity'] as const) await attempt(() => parse(input, kind), isS3Error);
    },
  };
}

/** The policies of browser forms, before they are encoded in base64. */
export function postPolicy(checkPolicy: typeof checkPostPolicy = checkPostPolicy): FuzzTarget {
  return {
    name: 'post-policy',
    make(dice) {
      const condition = () =>
        dice.chance(0.5)
          ? Array.from({ length: dice.chance(0.9) ? 3 : dice.below(5) }, () =>
              anyJson(dice, dice.chance(0.9) ? 0 : 2, FORM_CONDITIONS, FORM_CONDITIONS),
            )
          : { [perhaps(dice, FORM_CONDITIONS)]: perhaps(dice, ['bucket', 'key', '']) };
      const text = JSON.stringify({
        expiration: perhaps(dice, ['2027-01-01T00:00:00.000Z', '2027-13-45T99:00:00Z']),
        conditions: dice.some(6, condition),
      });
      return dice.chance(0.3) ? mutate(dice, text) : text;
    },
    async check(input) {
      const fields = new Map([['key', 'key']]);
      const encoded = Buffer.from(input).toString('base64');
      for (const policy of [encoded, input])
        await attempt(() => checkPolicy(policy, { bucket: 'bucket', fields, nowMs: 0 }), isS3Error);
    },
  };
}

const YAML_LINES = [
  ...[
    'service:',
    '  port: 8080',
    '  host: "127.0.0.1"',
    '  workers: 2',
    'logging:',
    '  level: info',
    'options:',
    '  service-uri: s3.example.com',
  ],
  ...[
    '  signature-v2: true',
    'keystore:',
    '  keys:',
    '    AKIA1:',
    '      secret: x',
    '      tenant: a@example.com',
    '      master: true',
  ],
  ...[
    'bucketstore:',
    '  default-region: r1',
    'regions:',
    '  r1:',
    '    metastore:',
    '    storage-classes:',
    '      standard:',
    '        path: x',
  ],
  ...[
    'a: &a [*a]',
    'b: *a',
    '<<: {x: 1}',
    '? - x',
    '- - - x',
    '!!js/function "x"',
    '--- x',
    '%YAML 1.1',
    'x: |',
    '  text',
    '"a\\x00": b',
    '{a: {b: [c, {d: e}]}}',
  ],
  ...[
    '  use: ./x.js',
    '  use: pithos.store/cassandra',
    '    cluster: [localhost]',
    '  public-urls: ["https://s3.example.com"]',
    '__proto__: {a: b}',
  ],
];

/** Files of configuration. */
export function configuration(load: typeof loadConfiguration = loadConfiguration): FuzzTarget {
  const file = join(mkdtempSync(join(tmpdir(), 'pithos-fuzz-')), 'pithos.yaml');
  return {
    name: 'configuration',
    make(dice) {
      const text = dice.some(14, () => perhaps(dice, YAML_LINES, 0.1)).join('\n');
      return dice.chance(0.2) ? mutate(dice, text) : text;
    },
    async check(input) {
      writeFileSync(file, input);
      await attempt(
        () => load({ file, environment: {} }),
        (error) => error instanceof ConfigurationError,
      );
    },
  };
}

function isS3Error(error: unknown): boolean {
  return error instanceof S3Error && error.status !== 500;
}

function policyShape(dice: Dice): unknown {
  const values = () =>
    dice.chance(0.6) ? perhaps(dice, POLICY_TEXTS) : dice.some(3, () => perhaps(dice, POLICY_TEXTS));
  const statement = () => ({
    Effect: perhaps(dice, ['Allow', 'Deny']),
    [perhaps(dice, ['Principal', 'NotPrincipal'])]: dice.chance(0.5) ? '*' : { AWS: values() },
    [perhaps(dice, ['Action', 'NotAction'])]: values(),
    [perhaps(dice, ['Resource', 'NotResource'])]: values(),
    ...(dice.chance(0.6) && {
      Condition: { [perhaps(dice, POLICY_NAMES)]: { [perhaps(dice, POLICY_NAMES)]: values() } },
    }),
  });
  return { Version: perhaps(dice, POLICY_TEXTS), Statement: dice.chance(0.2) ? statement() : dice.some(3, statement) };
}

function anyJson(dice: Dice, depth: number, names: readonly string[], texts: readonly string[]): unknown {
  if (depth === 0 || dice.chance(0.3)) {
    return dice.pick<unknown>([perhaps(dice, texts), perhaps(dice, names), dice.below(9), -1, 1e300, null, true, []]);
  }
  const inner = () => anyJson(dice, depth - 1, names, texts);
  return dice.chance(0.3)
    ? dice.some(4, inner)
    : Object.fromEntries(dice.some(4, () => [perhaps(dice, names), inner()]));
}
