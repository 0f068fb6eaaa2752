import { expect, test } from 'vitest';
import { parsePublicUrl } from './public-url.ts';

test.each([
  ['https://s3.example.com', { scheme: 'https', host: 's3.example.com', pathPrefix: '' }],
  ['HTTPS://S3.Example.com:443/', { scheme: 'https', host: 's3.example.com', pathPrefix: '' }],
  ['http://s3.example.com:8080/a/b/', { scheme: 'http', host: 's3.example.com:8080', pathPrefix: '/a/b' }],
  ['http://[::1]:9000', { scheme: 'http', host: '[::1]:9000', pathPrefix: '' }],
])('%s is a public URL', (text, url) => {
  expect(parsePublicUrl(text)).toEqual(url);
});

test.each([
  's3.example.com',
  'ftp://s3.example.com',
  'https://user@s3.example.com',
  'https://s3.example.com?a',
  'https://s3.example.com#a',
  '',
])('%j is none', (text) => {
  expect(parsePublicUrl(text)).toBeUndefined();
});
