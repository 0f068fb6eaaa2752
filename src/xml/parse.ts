import { SaxesParser, type SaxesTagNS } from 'saxes';

/** How deep elements may nest, the root included. No S3 document needs more than eight. */
export const XML_DEPTH_MAX = 16;
/** How many elements a document may have: 10,000 parts with every checksum of each fit. */
export const XML_ELEMENTS_MAX = 150_000;

/** How many attributes an element may have: declarations of namespaces, and the type of a grantee. */
export const XML_ATTRIBUTES_MAX = 16;

/** Either spelling is in use; the documents that Pithos sends have the first. */
const NAMESPACES: ReadonlySet<string> = new Set([
  'http://s3.amazonaws.com/doc/2006-03-01/',
  'http://s3.amazonaws.com/doc/2006-03-01',
  'http://doc.s3.amazonaws.com/2006-03-01/',
  'http://doc.s3.amazonaws.com/2006-03-01',
  '',
]);
const XMLNS_NAMESPACE = 'http://www.w3.org/2000/xmlns/';
const XSI_NAMESPACE = 'http://www.w3.org/2001/XMLSchema-instance';

/** One element; the names are local ones. An element has text or children, never both. */
export interface XmlElement {
  readonly name: string;
  /** With entities and CDATA sections resolved, untrimmed; '' where there are children. */
  readonly text: string;
  readonly children: readonly XmlElement[];
  /** Its `xsi:type`, without a prefix: what kind of grantee it is. */
  readonly type?: string;
}

/** The document is not well formed, or uses a part of XML that S3 documents have no need of. */
export class XmlError extends Error {
  override readonly name = 'XmlError';
}

interface OpenElement {
  readonly name: string;
  text: string;
  readonly children: XmlElement[];
  readonly type?: string;
}

/**
 * Parses the XML that a client sent, strictly: UTF-8 (with or without a byte order mark), no document type, no
 * processing instructions, no entities but XML's own, S3's namespace or none, bounded in depth, elements and attributes.
 *
 * Time and memory are linear in the length of `bytes`, which the caller bounds.
 * Throws: `XmlError`.
 */
export function parseXml(bytes: Uint8Array): XmlElement {
  const parser = new SaxesParser({ xmlns: true, position: false });
  const open: OpenElement[] = [];
  let elementsCount = 0;
  let root: XmlElement | undefined;

  const addText = (text: string): void => {
    const element = open.at(-1);
    if (element !== undefined) element.text += text;
  };

  parser.on('error', (error) => {
    throw new XmlError(`The XML is not well formed: ${error.message}`);
  });
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8') {
      throw new XmlError(`The XML must be encoded in UTF-8, not ${encoding}.`);
    }
  });
  parser.on('doctype', () => {
    throw new XmlError('A document type declaration is not allowed.');
  });
  parser.on('processinginstruction', () => {
    throw new XmlError('Processing instructions are not allowed.');
  });
  parser.on('opentag', (tag) => {
    elementsCount += 1;
    if (elementsCount > XML_ELEMENTS_MAX) throw new XmlError(`More than ${XML_ELEMENTS_MAX} elements.`);
    if (open.length === XML_DEPTH_MAX) throw new XmlError(`Elements nest deeper than ${XML_DEPTH_MAX}.`);
    checkTag(tag);
    const type = typeOf(tag);
    open.push({ name: tag.local, text: '', children: [], ...(type !== undefined && { type }) });
  });
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    const closed = closeElement(open.pop());
    const parent = open.at(-1);
    if (parent === undefined) root = closed;
    else parent.children.push(closed);
  });

  parser.write(decodeUtf8(bytes)).close();
  if (root === undefined) throw new XmlError('The XML has no root element.');
  return root;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new XmlError('The XML is not encoded in UTF-8.', { cause });
  }
}

/** Only declarations of namespaces and `xsi:` attributes (`xsi:type` of a grantee) may stand in a tag. */
function checkTag(tag: SaxesTagNS): void {
  if (!NAMESPACES.has(tag.uri)) throw new XmlError(`The element ${tag.name} is in a namespace that is not S3's.`);
  const attributes = Object.values(tag.attributes);
  if (attributes.length > XML_ATTRIBUTES_MAX) throw new XmlError(`More than ${XML_ATTRIBUTES_MAX} attributes.`);
  for (const attribute of attributes) {
    if (attribute.uri !== XMLNS_NAMESPACE && attribute.uri !== XSI_NAMESPACE) {
      throw new XmlError(`The attribute ${attribute.name} is not allowed on ${tag.name}.`);
    }
  }
}

function typeOf(tag: SaxesTagNS): string | undefined {
  const type = Object.values(tag.attributes).find(({ uri, local }) => uri === XSI_NAMESPACE && local === 'type');
  return type?.value.replace(/^.*:/, '');
}

function closeElement(element: OpenElement | undefined): XmlElement {
  if (element === undefined) throw new XmlError('An element is closed that was not opened.');
  if (element.children.length === 0) return element;
  if (element.text.trim() !== '') throw new XmlError(`The element ${element.name} mixes text and elements.`);
  element.text = '';
  return element;
}
