import { expect, test } from 'vitest';
import { withoutSecrets, withoutSecretsOf } from './module-secrets.ts';

const SECTION = {
  use: './store.js',
  url: 'postgres://user:hunter2@db.example.com/pithos?sslmode=require',
  password: 'open sesame',
  nodes: [{ host: 'a', 'access-token': 'of-a' }, { host: 'b' }],
  tls: { key: ['-----BEGIN', 'open'] },
};

test('what a module is told is shown without passwords, tokens, keys and users of URLs', () => {
  expect(withoutSecrets(SECTION)).toEqual({
    use: './store.js',
    url: 'postgres://***@db.example.com/pithos?sslmode=require',
    password: '***',
    nodes: [{ host: 'a', 'access-token': '***' }, { host: 'b' }],
    tls: { key: '***' },
  });
});

test('what a module says is shown without the secrets that it was told, wherever they stand', () => {
  const said = 'open sesame: of-a at redis://me:pass@cache failed for open, not for host a';
  expect(withoutSecretsOf(SECTION, said)).toBe('***: *** at redis://***@cache failed for ***, not for host a');
});
