import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { element, textElement, xmlDocument } from './build.ts';
import { parseXml, XML_ATTRIBUTES_MAX, XML_DEPTH_MAX, XML_ELEMENTS_MAX, XmlError } from './parse.ts';

const S3 = 'http://s3.amazonaws.com/doc/2006-03-01/';

describe('parseXml', () => {
  test.each([
    ['an element without a namespace', '<A><B>x</B></A>'],
    ["an element in S3's namespace", `<A xmlns="${S3}"><B>x</B></A>`],
    ["an element in S3's older namespace", '<A xmlns="http://doc.s3.amazonaws.com/2006-03-01"><B>x</B></A>'],
    ['a prefix bound to the namespace', `<s:A xmlns:s="${S3}"><s:B>x</s:B></s:A>`],
    ['a declaration', '<?xml version="1.0" encoding="UTF-8"?>\n<A><B>x</B></A>'],
    ['an encoding in lower case', '<?xml version="1.0" encoding="utf-8" standalone="yes"?><A><B>x</B></A>'],
    ['a byte order mark', '\ufeff<A><B>x</B></A>'],
    ['comments', '<!-- a --><A><!-- b --><B>x<!-- c --></B></A><!-- d -->'],
    ['white space between elements', '\n<A>\n\t<B>x</B>\r\n</A>\n'],
    ['a CDATA section', '<A><B><![CDATA[x]]></B></A>'],
    ['a character reference', '<A><B>&#x78;</B></A>'],
    ['an xsi:type', '<A xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="T"><B>x</B></A>'],
  ])('reads %s', (_, text) => {
    expect(parse(text)).toMatchObject({ name: 'A', children: [{ name: 'B', text: 'x', children: [] }] });
  });

  test('keeps the white space of a text, resolves entities and joins the pieces', () => {
    expect(parse('<A> a&amp;&lt;&gt;&quot;&apos;<![CDATA[<&]]>\n\u{1f600}</A>').text).toBe(` a&<>"'<&\n\u{1f600}`);
  });

  test('reads elements named like members of Object as any other', () => {
    const root = parse('<A><__proto__>1</__proto__><constructor>2</constructor><toString/></A>');
    expect(root.children.map(({ name, text }) => [name, text])).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
      ['toString', ''],
    ]);
    expect(Object.getPrototypeOf(root)).toBe(Object.prototype);
  });

  test.each([
    ['an empty document', ''],
    ['text alone', 'x'],
    ['an unclosed element', '<A><B></A>'],
    ['a second root', '<A/><B/>'],
    ['text behind the root', '<A/>x'],
    ['a document type', '<!DOCTYPE A><A/>'],
    ['an internal entity', '<!DOCTYPE A [<!ENTITY e "x">]><A>&e;</A>'],
    ['an external entity', '<!DOCTYPE A [<!ENTITY e SYSTEM "file:///etc/passwd">]><A>&e;</A>'],
    ['an entity that nobody declared', '<A>&e;</A>'],
    ['a processing instruction', '<?php x?><A/>'],
    ['a processing instruction inside', '<A><?x y?></A>'],
    ['a namespace of others', '<A xmlns="http://example.com/"/>'],
    ['a child in a namespace of others', '<A><B xmlns="http://example.com/"/></A>'],
    ['a prefix without a namespace', '<s:A/>'],
    ['an attribute', '<A b="c"/>'],
    ['an attribute twice', '<A xmlns:a="x" xmlns:a="x"/>'],
    ['text beside elements', '<A>x<B/></A>'],
    ['a control character', '<A>\u0001</A>'],
    ['a reference to a control character', '<A>&#1;</A>'],
    ['another encoding by name', '<?xml version="1.0" encoding="ISO-8859-1"?><A/>'],
  ])('refuses %s', (_, text) => {
    expect(() => parse(text)).toThrow(XmlError);
  });

  test('refuses bytes that are not UTF-8, UTF-16 among them', () => {
    expect(() => parseXml(Buffer.from('<A>\xff</A>', 'latin1'))).toThrow(XmlError);
    expect(() => parseXml(Buffer.from('\ufeff<A/>', 'utf16le'))).toThrow(XmlError);
    expect(() => parseXml(Buffer.from('<A/>', 'utf16le'))).toThrow(XmlError);
  });

  test('allows elements to nest as deep as the limit and no deeper', () => {
    const nested = (depth: number) => '<A>'.repeat(depth) + '</A>'.repeat(depth);
    expect(parse(nested(XML_DEPTH_MAX)).name).toBe('A');
    expect(() => parse(nested(XML_DEPTH_MAX + 1))).toThrow(/deeper/);
    expect(() => parse('<A>'.repeat(10_000))).toThrow(/deeper/);
  });

  test('allows as many elements as the limit and no more', () => {
    const many = (count: number) => `<A>${'<B/>'.repeat(count - 1)}</A>`;
    expect(parse(many(XML_ELEMENTS_MAX)).children).toHaveLength(XML_ELEMENTS_MAX - 1);
    expect(() => parse(many(XML_ELEMENTS_MAX + 1))).toThrow(/elements/);
  });

  test('allows as many attributes as the limit and no more', () => {
    const declared = (count: number) =>
      `<A ${Array.from({ length: count }, (_, n) => `xmlns:a${n}="${S3}"`).join(' ')}/>`;
    expect(() => parse(declared(XML_ATTRIBUTES_MAX + 1))).toThrow(/attributes/);

    expect(parse(declared(XML_ATTRIBUTES_MAX)).name).toBe('A');
  });

  test('gives back every text that XML can say, as it was built', () => {
    const text = fc
      .string({ unit: 'binary' })
      .filter((value) => !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(value));
    fc.assert(
      fc.property(text, (value) => {
        const document = xmlDocument('A', [element('B', [textElement('C', value)])]);
        expect(parse(document).children[0]?.children[0]?.text).toBe(value);
      }),
    );
  });
});

function parse(text: string) {
  return parseXml(Buffer.from(text));
}
