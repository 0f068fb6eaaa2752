import { describe, expect, test } from 'vitest';
import { ALL_USERS, AUTHENTICATED_USERS } from '../domain/acl.ts';
import { parseTenantId } from '../domain/names.ts';
import type { Permission } from '../domain/object-version.ts';
import { translateAcl, translateCors, translateHeaders, translateTime } from './original-values.ts';

const OWNER = { tenant: parseTenantId('a@x'), displayName: 'a@x' };

const tenant = (id: string, permission: Permission) => ({
  grantee: { kind: 'tenant', tenant: id, displayName: id },
  permission,
});
const group = (uri: string, permission: Permission) => ({ grantee: { kind: 'group', uri }, permission });

describe('an ACL of Pithos 0.7', () => {
  test.each([
    [undefined, []],
    ['nil', []],
    ['{:FULL_CONTROL [{:ID "a@x", :DisplayName "a@x"}]}', []],
    ['{:FULL_CONTROL [{:ID nil, :DisplayName nil} {:ID "a@x", :DisplayName "a@x"}]}', []],
    [
      '{:FULL_CONTROL [{:ID nil, :DisplayName nil}], :READ [{:URI "anonymous", :DisplayName nil}]}',
      [tenant('a@x', 'FULL_CONTROL'), group(ALL_USERS, 'READ')],
    ],
    [
      '{:READ ({:URI "authenticated"} {:URI "authenticated-users"} {:URI "staff"}), :WRITE []}',
      [tenant('a@x', 'FULL_CONTROL'), group(AUTHENTICATED_USERS, 'READ'), group('staff', 'READ')],
    ],
    ['{:READ_ACP [{:ID "b@x"} {:ID "b@x"}]}', [tenant('a@x', 'FULL_CONTROL'), tenant('b@x', 'READ_ACP')]],
  ])('%s', (text, expected) => {
    expect(translateAcl(text, OWNER)).toEqual({ value: expected, problems: [] });
  });

  test.each(['{:OWN [{:ID "b"}]}', '{:READ "b"}', '{:READ [1]}', '{:READ [{:ID [1]}]}', '{:READ', '[1]'])(
    '%s cannot be read and gives nobody anything',
    (text) => {
      const { value, problems } = translateAcl(text, OWNER);
      expect(value).toEqual([]);
      expect(problems).toEqual([expect.stringContaining('the ACL cannot be read')]);
    },
  );
});

describe('CORS rules of Pithos 0.7', () => {
  test('become those of today, and what no rule may have is left out and told', () => {
    const good =
      '{:origins ["http://*.example.com"], :methods [:get :put], :headers ["*"], :exposed ["etag"], :max-age "3000"}';
    const bad = '{:origins ["*.*"], :methods [:get], :headers [], :exposed [], :max-age nil}';
    expect(translateCors(`[${good} ${bad} {:origins [], :methods [:patch]}]`)).toEqual({
      value: [
        {
          allowedOrigins: ['http://*.example.com'],
          allowedMethods: ['GET', 'PUT'],
          allowedHeaders: ['*'],
          exposeHeaders: ['etag'],
          maxAgeSeconds: 3000,
        },
      ],
      problems: [
        'CORS rule 2 is left out: "*.*" is empty or has more than one *.',
        'CORS rule 3 is left out: It allows no origin.',
      ],
    });
    expect(translateCors(undefined)).toEqual({ value: undefined, problems: [] });
    expect(translateCors('{:a').problems).toEqual([expect.stringContaining('cannot be read')]);
  });
});

test('headers keep their bytes, and what is none is left out and told', () => {
  const metadata = new Map([
    ['content-type', 'text/plain'],
    ['cache-control', 'no-cache'],
    ['x-amz-meta-name', 'é'],
    ['x-amz-meta-snow', '☃'],
    ['x-amz-meta-broken', 'a\r\nb'],
    ['constructor', 'x'],
  ]);
  expect(translateHeaders(metadata)).toEqual({
    value: {
      headers: { contentType: 'text/plain', cacheControl: 'no-cache' },
      userMetadata: [
        ['name', 'é'],
        ['snow', '\u00e2\u0098\u0083'],
      ],
    },
    problems: [expect.stringContaining('x-amz-meta-broken'), expect.stringContaining('"constructor"')],
  });
});

test('times are ISO 8601', () => {
  expect(translateTime('2014-10-17T12:35:10.423Z')).toBe(Date.UTC(2014, 9, 17, 12, 35, 10, 423));
  expect([translateTime(undefined), translateTime('soon')]).toEqual([undefined, undefined]);
});
