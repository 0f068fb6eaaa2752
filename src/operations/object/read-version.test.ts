import { expect, test } from 'vitest';
import { ALICE } from '../../../test/support/memory-operations.ts';
import { s3Request } from '../../../test/support/s3-request.ts';
import { ANONYMOUS } from '../../http/auth/make-identity.ts';
import { parseRead } from './read-request.ts';
import { requireOverridesAllowed } from './read-version.ts';

test('response-* parameters are refused in anonymous requests', () => {
  const input = parseRead(s3Request({ query: { 'response-content-type': 'text/html' } }));
  expect(() => requireOverridesAllowed(ANONYMOUS, input)).toThrow(expect.objectContaining({ code: 'InvalidRequest' }));
  expect(() => requireOverridesAllowed(ALICE, input)).not.toThrow();
  expect(() => requireOverridesAllowed(ANONYMOUS, parseRead(s3Request()))).not.toThrow();
});

test('x-amz-checksum-mode is ENABLED or left out', () => {
  const modeOf = (mode: string) => parseRead(s3Request({ headers: { 'x-amz-checksum-mode': mode } }));
  expect(modeOf('ENABLED').withChecksum).toBe(true);
  expect(parseRead(s3Request()).withChecksum).toBe(false);
  expect(() => modeOf('yes')).toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
});
