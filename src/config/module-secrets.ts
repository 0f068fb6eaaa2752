import { isTreeMap, type Tree, type TreeMap } from './tree.ts';

const HIDDEN = '***';
/** Settings of a module, by name, that may be secrets. */
const SECRET_NAME = /secret|passw|token|credential|(^|[-_])key$/i;
/** User and password of a URL. */
const URL_USER = /(?<=:\/\/)[^\s/?#@]+(?=@)/g;

/** What a module is told, with `***` for what may be a secret. */
export function withoutSecrets(section: TreeMap): TreeMap {
  const entries = Object.entries(section).map(([key, value]): [string, Tree] => [
    key,
    SECRET_NAME.test(key) ? HIDDEN : hide(value),
  ]);
  return Object.fromEntries(entries);
}

/** A text of a module, such as the message of an error, without the secrets that the module was told. */
export function withoutSecretsOf(section: TreeMap, text: string): string {
  // Longer ones first: one may be part of another.
  const secrets = secretsIn(section).toSorted((a, b) => b.length - a.length);
  return hideUrlUser(secrets.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text));
}

function hide(tree: Tree): Tree {
  if (Array.isArray(tree)) return tree.map(hide);
  if (typeof tree === 'string') return hideUrlUser(tree);
  return isTreeMap(tree) ? withoutSecrets(tree) : tree;
}

function hideUrlUser(text: string): string {
  return text.replaceAll(URL_USER, HIDDEN);
}

function secretsIn(tree: Tree): readonly string[] {
  if (Array.isArray(tree)) return tree.flatMap(secretsIn);
  if (!isTreeMap(tree)) return [];
  return Object.entries(tree).flatMap(([key, value]) => (SECRET_NAME.test(key) ? textsIn(value) : secretsIn(value)));
}

function textsIn(tree: Tree): readonly string[] {
  if (typeof tree === 'string') return tree === '' ? [] : [tree];
  if (Array.isArray(tree)) return tree.flatMap(textsIn);
  return isTreeMap(tree) ? Object.values(tree).flatMap(textsIn) : [];
}
