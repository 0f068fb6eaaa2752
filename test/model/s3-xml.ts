/** One element of a document: its local name, and its text or its children. Attributes are left out. */
export type Xml = readonly [name: string, content: string | readonly Xml[]];

const TOKEN = /<\?[^>]*\?>|<(?<close>\/)?(?<name>[A-Za-z0-9:]+)[^>]*?(?<empty>\/)?>|(?<text>[^<]+)/gs;
const REFERENCE = /&(?:#x(?<hex>[0-9a-f]+)|(?<named>[a-z]+));/g;
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/**
 * Reads an answer of S3, a second time and leniently: character references may name what XML 1.0 cannot say, as those of
 * S3 do for keys with control characters.
 */
export function readXml(document: string): Xml {
  const root: Xml[] = [];
  const open: { name: string; text: string; children: Xml[] }[] = [{ name: '', text: '', children: root }];
  for (const { groups = {} } of document.matchAll(TOKEN)) {
    const { close, name, empty, text } = groups;
    if (text !== undefined) at(open).text += text.replace(REFERENCE, dereference);
    else if (name === undefined) continue;
    else if (close !== undefined || empty !== undefined) {
      const closed = empty === undefined ? open.pop() : { name, text: '', children: [] };
      if (closed?.name !== name) throw new Error(`</${name}> closes <${closed?.name}>.`);
      at(open).children.push([name, closed.children.length > 0 ? closed.children : closed.text]);
    } else open.push({ name, text: '', children: [] });
  }
  const [only] = root;
  if (only === undefined || root.length > 1 || open.length > 1) throw new Error(`This is no document: ${document}`);
  return only;
}

/** Writes the body of a request. */
export function writeXml([name, content]: Xml): string {
  const inner = typeof content === 'string' ? escapeText(content) : content.map(writeXml).join('');
  return `<${name}>${inner}</${name}>`;
}

/** Whether XML 1.0 can say `text` at all. */
export function canBeXml(text: string): boolean {
  return !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(text);
}

function escapeText(text: string): string {
  return text.replace(/[&<>\r]/g, (character) => `&#x${character.charCodeAt(0).toString(16)};`);
}

function dereference(reference: string, ...rest: readonly unknown[]): string {
  const { hex, named } = rest.at(-1) as { hex?: string; named?: string };
  return hex === undefined ? (NAMED[named ?? ''] ?? reference) : String.fromCodePoint(Number.parseInt(hex, 16));
}

function at<Item>(stack: readonly Item[]): Item {
  const top = stack.at(-1);
  if (top === undefined) throw new Error('The document closes more than it opens.');
  return top;
}
