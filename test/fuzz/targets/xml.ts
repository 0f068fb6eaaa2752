import { element, textNode, type Xml, xmlDocument } from '../../../src/xml/build.ts';
import { parseXml, type XmlElement, XmlError } from '../../../src/xml/parse.ts';
import type { Dice } from '../dice.ts';
import { attempt, demand, type FuzzTarget } from '../fuzz-target.ts';
import { mutate, perhaps } from '../mutate.ts';

const NAMES = ['Delete', 'Object', 'Key', 'Tagging', 'TagSet', 'Tag', 'Value', 'Part', 'ETag', 'Grantee', 'a:b'];
const TEXTS = [
  '',
  'x',
  '&amp;',
  '&#65;',
  '&#x10FFFF;',
  '<![CDATA[<a>]]>',
  ' ',
  '1',
  '\r\n',
  '<!-- c -->',
  '\u00c3\u00a9',
];
const ATTRIBUTES = [
  ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"',
  ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"',
  ' xmlns:a=""',
  ' a="b"',
];
const PROLOGS = [
  '',
  '',
  '<?xml version="1.0" encoding="UTF-8"?>',
  '<?xml version="1.1"?>',
  '<!DOCTYPE a>',
  '\u00ef\u00bb\u00bf',
];
/** Characters that a document of XML 1.1 may name and one of XML 1.0, as ours are, may not. */
const OF_XML_1_1 = /&#x(?:[0-8bcef]|1[0-9a-f]|fff[ef]);/;

/** XML documents as bytes: what is read is the same once it is written again. */
export function xml(parse: (bytes: Uint8Array) => XmlElement = parseXml): FuzzTarget {
  return {
    name: 'xml',
    make(dice) {
      const text = perhaps(dice, PROLOGS) + elementText(dice, dice.chance(0.02) ? 40 : 5);
      return dice.chance(0.5) ? mutate(dice, text) : text;
    },
    async check(input) {
      const document = await attempt(
        () => parse(Buffer.from(input, 'latin1')),
        (error) => error instanceof XmlError,
      );
      if (document === undefined) return;
      const written = xmlDocument(document.name, contents(document));
      if (OF_XML_1_1.test(written)) return;
      demand(same(parseXml(Buffer.from(written)), document), 'The document is another once it is written again.');
    },
  };
}

function elementText(dice: Dice, depth: number): string {
  const name = perhaps(dice, NAMES, 0.02);
  const attributes = dice.chance(0.15) ? dice.some(2, () => perhaps(dice, ATTRIBUTES, 0.05)).join('') : '';
  const children =
    depth > 5 || (depth > 0 && dice.chance(0.6))
      ? Array.from({ length: depth > 5 ? 1 : dice.below(4) }, () => elementText(dice, depth - 1)).join('')
      : perhaps(dice, TEXTS);
  return `<${name}${attributes}>${children}</${dice.chance(0.01) ? 'x' : name}>`;
}

function contents({ children, text }: XmlElement): readonly Xml[] {
  return children.length === 0 ? [textNode(text)] : children.map((child) => element(child.name, contents(child)));
}

function same(a: XmlElement, b: XmlElement): boolean {
  const children = a.children.length === b.children.length;
  return a.name === b.name && a.text === b.text && children && a.children.every((child, at) => sameAt(child, b, at));
}

function sameAt(child: XmlElement, parent: XmlElement, at: number): boolean {
  const other = parent.children[at];
  return other !== undefined && same(child, other);
}
