import { expect, test } from 'vitest';
import { parsePublicUrls, virtualHostNames } from './public-urls.ts';

test('there may be a few public URLs, and nothing else', () => {
  expect(() => parsePublicUrls(['s3.example.com'])).toThrow(TypeError);
  expect(() => parsePublicUrls(Array.from({ length: 17 }, () => 'https://s3.example.com'))).toThrow(TypeError);
});

test('their names have buckets below them, unless a path is part of the URL or the name is an address', () => {
  const urls = parsePublicUrls([
    'https://s3.example.com:8443',
    'https://example.com/storage',
    'http://192.0.2.1:9000',
    'http://[::1]:9000',
  ]);
  expect(virtualHostNames(urls)).toEqual(['s3.example.com']);
});
