import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { elementText } from '../support/raw-http.ts';
import { BOB, MASTER, type SendOptions } from '../support/start-front.ts';
import { startWholeFront, type WholeFront } from '../support/whole-front.ts';

const ALL_USERS = 'http://acs.amazonaws.com/groups/global/AllUsers';
const AUTHENTICATED_USERS = 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers';
const DENIED = '403 AccessDenied';
const NOBODY = undefined;
const ACL = [['acl', '']] as const;

let whole: WholeFront;

describe.each(['memory', 'embedded'] as const)('on the %s engine', (engine) => {
  beforeAll(async () => {
    whole = await startWholeFront(engine);
  });
  afterAll(async () => whole[Symbol.asyncDispose]());

  describe('what an ACL of an object gives', () => {
    test.each([
      ['private', DENIED, DENIED],
      ['public-read', '200', '200'],
      ['public-read-write', '200', '200'],
      ['authenticated-read', '200', DENIED],
      ['bucket-owner-read', DENIED, DENIED],
      ['bucket-owner-full-control', DENIED, DENIED],
    ])('%s: to another tenant %s, to anybody %s, and to neither more than reading', async (acl, bobs, nobodys) => {
      const bucket = await whole.newBucket();
      const path = `/${bucket}/key`;
      await put(path, acl);
      expect(await whole.codeOf({ path, keys: BOB })).toBe(bobs);
      expect(await whole.codeOf({ path, keys: NOBODY })).toBe(nobodys);
      expect((await whole.ok({ path })).body.toString()).toBe('body');
      for (const keys of [BOB, NOBODY]) {
        expect(await whole.codeOf({ path, query: ACL, keys })).toBe(DENIED);
        expect(await whole.codeOf({ method: 'PUT', path, query: ACL, headers: canned('public-read'), keys })).toBe(
          DENIED,
        );
        expect(await whole.codeOf({ method: 'PUT', path, body: 'other', keys })).toBe(DENIED);
        expect(await whole.codeOf({ method: 'DELETE', path, keys })).toBe(DENIED);
        expect(await whole.codeOf({ path: `/${bucket}`, keys })).toBe(DENIED);
      }
    });

    test('is looked at again for each version', async () => {
      const bucket = await whole.newBucket();
      const path = `/${bucket}/key`;
      await whole.ok({ method: 'PUT', path: `/${bucket}`, query: [['versioning', '']], body: ENABLED });
      const open = (await put(path, 'public-read')).headers.get('x-amz-version-id') ?? '';
      const closed = (await put(path, 'private')).headers.get('x-amz-version-id') ?? '';
      const read = (versionId: string) => whole.codeOf({ path, query: [['versionId', versionId]], keys: BOB });
      expect([await whole.codeOf({ path, keys: BOB }), await read(open), await read(closed)]).toEqual([
        DENIED,
        '200',
        DENIED,
      ]);
      const query = [...ACL, ['versionId', open]] as const;
      await whole.ok({ method: 'PUT', path, query, headers: canned('private') });
      expect([await read(open), await whole.codeOf({ path, query })]).toEqual([DENIED, '200']);
    });

    test('does not go with a copy, and opens a source to who copies', async () => {
      const bucket = await whole.newBucket();
      const bobs = await whole.newBucket(BOB);
      await put(`/${bucket}/key`, 'public-read');
      const headers = { 'x-amz-copy-source': `/${bucket}/key` };
      await whole.ok({ method: 'PUT', path: `/${bobs}/copy`, headers, keys: BOB });
      expect(await whole.codeOf({ path: `/${bobs}/copy`, keys: NOBODY })).toBe(DENIED);
      await whole.ok({
        method: 'PUT',
        path: `/${bobs}/copy`,
        headers: { ...headers, ...canned('public-read') },
        keys: BOB,
      });
      expect(await whole.codeOf({ path: `/${bobs}/copy`, keys: NOBODY })).toBe('200');
    });

    test('is settled for an upload when it is opened', async () => {
      const bucket = await whole.newBucket();
      const path = `/${bucket}/key`;
      const headers = canned('public-read');
      const { body } = await whole.ok({ method: 'POST', path, query: [['uploads', '']], headers });
      const uploadId = elementText(body, 'UploadId') ?? '';
      const query = [
        ['partNumber', '1'],
        ['uploadId', uploadId],
      ] as const;
      const etag = (await whole.ok({ method: 'PUT', path, query, body: 'part' })).headers.get('etag');
      const parts = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`;
      await whole.ok({ method: 'POST', path, query: [['uploadId', uploadId]], body: parts });
      expect((await whole.ok({ path, keys: NOBODY })).body.toString()).toBe('part');
    });

    test('can be its ACL alone: READ_ACP shows it, WRITE_ACP changes it', async () => {
      const bucket = await whole.newBucket();
      const path = `/${bucket}/key`;
      const headers = { 'x-amz-grant-read-acp': 'id="bob"' };
      await whole.ok({ method: 'PUT', path, body: 'body', headers });
      expect(await whole.codeOf({ path, query: ACL, keys: BOB })).toBe('200');
      expect(await whole.codeOf({ path, keys: BOB })).toBe(DENIED);
      const take = { method: 'PUT', path, query: ACL, headers: { 'x-amz-grant-full-control': 'id=bob' }, keys: BOB };
      expect(await whole.codeOf(take)).toBe(DENIED);
      await whole.ok({
        method: 'PUT',
        path,
        query: ACL,
        headers: { 'x-amz-grant-write-acp': 'id="bob", uri="group:x"' },
      });
      expect(await whole.codeOf(take)).toBe('200');
      expect(await whole.codeOf({ path, keys: BOB })).toBe('200');
    });
  });

  describe('what an ACL of a bucket gives', () => {
    test.each([
      ['private', [DENIED, DENIED, DENIED, DENIED]],
      ['public-read', ['200', '200', DENIED, DENIED]],
      ['public-read-write', ['200', '200', '200', '200']],
      ['authenticated-read', ['200', DENIED, DENIED, DENIED]],
      ['log-delivery-write', [DENIED, DENIED, DENIED, DENIED]],
    ])('%s: listing and writing for another tenant and for anybody', async (acl, expected) => {
      const bucket = await whole.newBucket();
      await whole.ok({ method: 'PUT', path: `/${bucket}`, query: ACL, headers: canned(acl) });
      const found = [
        await whole.codeOf({ path: `/${bucket}`, keys: BOB }),
        await whole.codeOf({ path: `/${bucket}`, keys: NOBODY }),
        await whole.codeOf({ method: 'PUT', path: `/${bucket}/bob`, body: 'x', keys: BOB }),
        await whole.codeOf({ method: 'PUT', path: `/${bucket}/nobody`, body: 'x', keys: NOBODY }),
      ];
      expect(found).toEqual(expected);
      for (const query of [ACL, [['versioning', '']], [['ownershipControls', '']]] as const) {
        expect(await whole.codeOf({ path: `/${bucket}`, query, keys: BOB })).toBe(DENIED);
      }
    });

    test('is the same whether it comes with CreateBucket or later', async () => {
      const made = `test-${Math.random().toString(36).slice(2)}`;
      await whole.ok({ method: 'PUT', path: `/${made}`, headers: canned('public-read') });
      const later = await whole.newBucket();
      await whole.ok({ method: 'PUT', path: `/${later}`, query: ACL, headers: canned('public-read') });
      expect(await aclOf(`/${made}`)).toEqual(await aclOf(`/${later}`));
    });
  });

  describe('whose an object is that another tenant writes', () => {
    test.each([
      [undefined, undefined, 'bob'],
      ['ObjectWriter', 'bucket-owner-full-control', 'bob'],
      ['BucketOwnerPreferred', undefined, 'bob'],
      ['BucketOwnerPreferred', 'bucket-owner-full-control', 'alice'],
    ])('object ownership %s, ACL %s: it is %s’s', async (ownership, acl, owner) => {
      const bucket = await openBucket(ownership);
      const path = `/${bucket}/key`;
      await whole.ok({ method: 'PUT', path, body: 'body', keys: BOB, headers: acl === undefined ? {} : canned(acl) });
      const { body } = await whole.ok({ path, query: ACL, keys: MASTER });
      expect(elementText(body, 'ID')).toBe(owner);
      const isBobs = owner === 'bob';
      expect(await whole.codeOf({ path, keys: BOB })).toBe(isBobs ? '200' : DENIED);
      // Full control for the bucket's owner is a grant; without one they may take a foreign object away, not read it.
      expect(await whole.codeOf({ path })).toBe(isBobs && acl === undefined ? DENIED : '200');
      expect(await whole.codeOf({ path, query: ACL })).toBe(isBobs && acl === undefined ? DENIED : '200');
      expect(await whole.codeOf({ method: 'DELETE', path })).toBe('204');
    });

    test('an upload names who opened it and whose the object will be', async () => {
      const bucket = await openBucket('BucketOwnerPreferred');
      const headers = canned('bucket-owner-full-control');
      await whole.ok({ method: 'POST', path: `/${bucket}/key`, query: [['uploads', '']], headers, keys: BOB });
      const { body } = await whole.ok({ path: `/${bucket}`, query: [['uploads', '']] });
      expect(body.toString()).toMatch(/<Initiator><ID>bob<.*<Owner><ID>alice</);
    });

    test('what nobody in particular writes, and a master key, is the bucket’s', async () => {
      const bucket = await openBucket(undefined);
      for (const keys of [NOBODY, MASTER]) {
        await whole.ok({ method: 'PUT', path: `/${bucket}/key`, body: 'body', keys });
        expect(elementText((await whole.ok({ path: `/${bucket}/key`, query: ACL })).body, 'ID')).toBe('alice');
      }
    });
  });

  describe('BucketOwnerEnforced', () => {
    test('takes all ACLs’ effect away, and refuses new ones but the one that says what holds', async () => {
      const bucket = await whole.newBucket();
      const path = `/${bucket}/key`;
      await put(path, 'public-read');
      await setOwnership(bucket, 'BucketOwnerEnforced');
      expect(await whole.codeOf({ path, keys: NOBODY })).toBe(DENIED);
      expect(await aclOf(path)).toEqual(['alice FULL_CONTROL']);
      for (const [headers, code] of [
        [canned('public-read'), '400 AccessControlListNotSupported'],
        [canned('private'), '400 AccessControlListNotSupported'],
        [canned('bucket-owner-full-control'), '200'],
        [{ 'x-amz-grant-full-control': 'id="alice"' }, '200'],
        [{ 'x-amz-grant-read': 'id="alice"' }, '400 AccessControlListNotSupported'],
      ] as const) {
        expect(await whole.codeOf({ method: 'PUT', path, body: 'body', headers })).toBe(code);
        expect(await whole.codeOf({ method: 'PUT', path, query: ACL, headers })).toBe(code);
        expect(await whole.codeOf({ method: 'PUT', path: `/${bucket}`, query: ACL, headers })).toBe(code);
      }
      await whole.ok({ method: 'DELETE', path: `/${bucket}`, query: [['ownershipControls', '']] });
      expect(await whole.codeOf({ path: `/${bucket}`, query: [['ownershipControls', '']] })).toBe(
        '404 OwnershipControlsNotFoundError',
      );
    });

    test('is refused to a bucket whose ACL grants to others, at its making too', async () => {
      const bucket = await openBucket(undefined);
      expect(await setOwnership(bucket, 'BucketOwnerEnforced')).toBe('400 InvalidBucketAclWithObjectOwnership');
      const headers = { ...canned('public-read'), 'x-amz-object-ownership': 'BucketOwnerEnforced' };
      expect(await whole.codeOf({ method: 'PUT', path: `/${bucket}-2`, headers })).toBe(
        '400 InvalidBucketAclWithObjectOwnership',
      );
      expect(await whole.codeOf({ path: `/${bucket}-2` })).toBe('404 NoSuchBucket');
    });
  });

  describe('the public access block', () => {
    test('refuses new public ACLs, and lets the old ones be or not count', async () => {
      const bucket = await openBucket(undefined);
      const path = `/${bucket}/key`;
      await put(path, 'public-read');
      await block(bucket, 'BlockPublicAcls');
      for (const acl of ['public-read', 'public-read-write', 'authenticated-read']) {
        expect(await whole.codeOf({ method: 'PUT', path, body: 'body', headers: canned(acl) })).toBe(DENIED);
        expect(await whole.codeOf({ method: 'PUT', path, query: ACL, headers: canned(acl) })).toBe(DENIED);
        expect(await whole.codeOf({ method: 'PUT', path: `/${bucket}`, query: ACL, headers: canned(acl) })).toBe(
          DENIED,
        );
      }
      expect(await whole.codeOf({ path, keys: NOBODY })).toBe('200');
      await block(bucket, 'IgnorePublicAcls');
      for (const keys of [BOB, NOBODY]) {
        expect(await whole.codeOf({ path, keys })).toBe(DENIED);
        expect(await whole.codeOf({ path: `/${bucket}`, keys })).toBe(DENIED);
      }
      await whole.ok({ method: 'DELETE', path: `/${bucket}`, query: [['publicAccessBlock', '']] });
      expect(await whole.codeOf({ path, keys: NOBODY })).toBe('200');
      expect(await whole.codeOf({ path: `/${bucket}`, query: [['publicAccessBlock', '']] })).toBe(
        '404 NoSuchPublicAccessBlockConfiguration',
      );
    });
  });

  describe('an ACL as a document', () => {
    test('comes back as it was put, and grants by id, by e-mail address and to groups', async () => {
      const bucket = await whole.newBucket();
      const document = policy([
        ['<ID>alice</ID>', 'CanonicalUser', 'FULL_CONTROL'],
        ['<EmailAddress>Bob@example.com</EmailAddress>', 'AmazonCustomerByEmail', 'WRITE'],
        [`<URI>${AUTHENTICATED_USERS}</URI>`, 'Group', 'READ'],
        ['<URI>group:writers</URI>', 'Group', 'WRITE_ACP'],
      ]);
      await whole.ok({ method: 'PUT', path: `/${bucket}`, query: ACL, body: document });
      expect(await aclOf(`/${bucket}`)).toEqual([
        `${AUTHENTICATED_USERS} READ`,
        'group:writers WRITE_ACP',
        'alice FULL_CONTROL',
        'bob WRITE',
      ]);
      expect(await whole.codeOf({ method: 'PUT', path: `/${bucket}/key`, body: 'x', keys: BOB })).toBe('200');
    });

    test.each([
      ['nobody of that id', grant('<ID>nobody</ID>', 'CanonicalUser'), '400 InvalidArgument'],
      [
        'nobody of that address',
        grant('<EmailAddress>n@x</EmailAddress>', 'AmazonCustomerByEmail'),
        '400 UnresolvableGrantByEmailAddress',
      ],
      [
        'a group that S3 has not',
        grant('<URI>http://acs.amazonaws.com/groups/global/Al</URI>', 'Group'),
        '400 InvalidArgument',
      ],
      [
        'a grantee of no type',
        `<Grant><Grantee><ID>bob</ID></Grantee><Permission>READ</Permission></Grant>`,
        '400 MalformedACLError',
      ],
      ['a permission that is none', grant('<ID>bob</ID>', 'CanonicalUser', 'EXECUTE'), '400 MalformedACLError'],
      ['more than a hundred grants', grant('<ID>bob</ID>', 'CanonicalUser').repeat(101), '400 MalformedACLError'],
      ['names beyond all measure', grant(`<URI>${'x'.repeat(20_000)}</URI>`, 'Group'), '400 MalformedACLError'],
    ])('is refused with %s, and changes nothing', async (_, grants, code) => {
      const bucket = await whole.newBucket();
      await put(`/${bucket}/key`, 'private');
      const body = `<AccessControlPolicy><AccessControlList>${grants}</AccessControlList></AccessControlPolicy>`;
      for (const path of [`/${bucket}`, `/${bucket}/key`]) {
        expect(await whole.codeOf({ method: 'PUT', path, query: ACL, body })).toBe(code);
        expect(await aclOf(path)).toEqual(['alice FULL_CONTROL']);
      }
    });

    test('cannot name another owner, nor come with headers, nor be left out', async () => {
      const path = `/${await whole.newBucket()}`;
      const stolen = policy([]).replace('<ID>alice</ID>', '<ID>bob</ID>');
      const answers = [
        await whole.codeOf({ method: 'PUT', path, query: ACL, body: stolen }),
        await whole.codeOf({ method: 'PUT', path, query: ACL, body: policy([]), headers: canned('private') }),
        await whole.codeOf({ method: 'PUT', path, query: ACL }),
        await whole.codeOf({ method: 'PUT', path, query: ACL, body: '<AccessControlPolicy' }),
      ];
      expect(answers).toEqual([DENIED, '400 UnexpectedContent', '400 MissingSecurityHeader', '400 MalformedACLError']);
    });
  });

  test.each([
    [{ 'x-amz-acl': 'pubic-read' }, '400 InvalidArgument'],
    [{ 'x-amz-acl': 'aws-exec-read' }, '501 NotImplemented'],
    [{ 'x-amz-acl': 'private', 'x-amz-grant-read': 'id="bob"' }, '400 InvalidRequest'],
    [{ 'x-amz-grant-read': 'bob' }, '400 InvalidArgument'],
    [{ 'x-amz-grant-read': 'id="bob" id="alice"' }, '400 InvalidArgument'],
    [{ 'x-amz-grant-read': 'id=""' }, '400 InvalidArgument'],
    [{ 'x-amz-grant-read': 'name="bob"' }, '400 InvalidArgument'],
    [{ 'x-amz-grant-read': 'emailAddress="nobody@example.com"' }, '400 UnresolvableGrantByEmailAddress'],
    [{ 'x-amz-grant-read': `uri="${ALL_USERS}/x"` }, '400 InvalidArgument'],
  ])('ACL headers %j are answered %s before a byte is stored', async (headers, code) => {
    const bucket = await whole.newBucket();
    const path = `/${bucket}/key`;
    expect(await whole.codeOf({ method: 'PUT', path, body: 'body', headers })).toBe(code);
    expect(await whole.codeOf({ path })).toBe('404 NoSuchKey');
  });
});

const ENABLED = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';

function canned(acl: string): Readonly<Record<string, string>> {
  return { 'x-amz-acl': acl };
}

function put(path: string, acl: string) {
  return whole.ok({ method: 'PUT', path, body: 'body', headers: canned(acl) });
}

/** A bucket of Alice's that everybody may write to. */
async function openBucket(ownership: string | undefined): Promise<string> {
  const bucket = await whole.newBucket();
  await whole.ok({ method: 'PUT', path: `/${bucket}`, query: ACL, headers: canned('public-read-write') });
  if (ownership !== undefined) expect(await setOwnership(bucket, ownership)).toBe('200');
  return bucket;
}

function setOwnership(bucket: string, ownership: string): Promise<string> {
  const body = `<OwnershipControls><Rule><ObjectOwnership>${ownership}</ObjectOwnership></Rule></OwnershipControls>`;
  return whole.codeOf({ method: 'PUT', path: `/${bucket}`, query: [['ownershipControls', '']], body });
}

async function block(bucket: string, setting: string): Promise<void> {
  const body = `<PublicAccessBlockConfiguration><${setting}>true</${setting}></PublicAccessBlockConfiguration>`;
  const request: SendOptions = { method: 'PUT', path: `/${bucket}`, query: [['publicAccessBlock', '']], body };
  await whole.ok(request);
}

/** The grants of a bucket or an object, in order: whom, and what. */
async function aclOf(path: string): Promise<readonly string[]> {
  const { body } = await whole.ok({ path, query: ACL });
  const grants = body.toString().matchAll(/<Grant>.*?<(?:ID|URI)>([^<]*)<.*?<Permission>([^<]*)</g);
  return [...grants].map(([, who, permission]) => `${who} ${permission}`);
}

function policy(grants: readonly (readonly [grantee: string, type: string, permission: string])[]): string {
  const list = grants.map(([grantee, type, permission]) => grant(grantee, type, permission)).join('');
  return `<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>alice</ID></Owner><AccessControlList>${list}</AccessControlList></AccessControlPolicy>`;
}

function grant(grantee: string, type: string, permission = 'READ'): string {
  return `<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="${type}">${grantee}</Grantee><Permission>${permission}</Permission></Grant>`;
}
