/** The namespace of every S3 document. */
const S3_NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** A piece of XML that is already escaped. */
export type Xml = string & { readonly __brand: 'Xml' };

/** A whole document in S3's namespace. */
export function xmlDocument(root: string, children: readonly Xml[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${S3_NAMESPACE}">${children.join('')}</${root}>`;
}

/** A whole document without a namespace, as errors are sent. */
export function plainXmlDocument(root: string, children: readonly Xml[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}>${children.join('')}</${root}>`;
}

/** `<name>text</name>`; nothing at all for `undefined`. Text is escaped, so it must not be `Xml` already. */
export function textElement(name: string, text: string | number | boolean | undefined): Xml {
  if (text === undefined) return '' as Xml;
  return `<${name}>${escapeText(String(text))}</${name}>` as Xml;
}

/** `<name>…</name>` around elements. */
export function element(
  name: string,
  children: readonly Xml[],
  attributes: Readonly<Record<string, string>> = {},
): Xml {
  const tag = Object.entries(attributes).map(([attribute, value]) => ` ${attribute}="${escapeText(value)}"`);
  return `<${name}${tag.join('')}>${children.join('')}</${name}>` as Xml;
}

/** Character data by itself, for a root that holds text. */
export function textNode(text: string): Xml {
  return escapeText(text) as Xml;
}

/**
 * `<name>2026-01-31T12:00:00.000Z</name>`, in whole seconds as S3 sends them, so that the value equals the one in a
 * `Last-Modified` header.
 */
export function timestampElement(name: string, timeMs: number): Xml {
  return `<${name}>${new Date(timeMs - (timeMs % 1000)).toISOString()}</${name}>` as Xml;
}

const SPECIAL = /[&<>"\r\n\t\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;
const HAS_SPECIAL = /[&<>"\r\n\t\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;
const NAMED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/**
 * Text as character data. Control characters become numeric references, as S3 sends them, although XML 1.0 has no
 * way to say most of them: a client that needs such keys asks for `encoding-type=url`.
 */
function escapeText(text: string): string {
  if (!HAS_SPECIAL.test(text)) return text;
  return text.replace(SPECIAL, (character) => NAMED[character] ?? `&#x${character.charCodeAt(0).toString(16)};`);
}
