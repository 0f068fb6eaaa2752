import { S3Error } from '../domain/s3-error.ts';
import { parseXml, type XmlElement, XmlError } from '../xml/parse.ts';
import { type BodyDigests, verifyBodyDigests } from './body-digests.ts';
import type { RequestBody } from './request.ts';

/** Longest element name or value that an error message repeats, in UTF-16 units. */
const QUOTED_UNITS_MAX = 100;
const INTEGER = /^-?\d{1,15}$/;

export interface BodyLimits {
  /** Longest body, in bytes. */
  readonly bytesMax: number;
  /** What the body must match, as `parseBodyDigests` found it. */
  readonly digests?: BodyDigests;
}

/**
 * A small body, whole.
 * Errors: MaxMessageLengthExceeded, BadDigest 400, and those of the body itself.
 */
export async function readBody(body: RequestBody, { bytesMax, digests }: BodyLimits): Promise<Uint8Array> {
  if (body.declaredBytes !== undefined && body.declaredBytes > bytesMax) throw tooLong(bytesMax);
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > bytesMax) throw tooLong(bytesMax);
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks, sizeBytes);
  if (digests !== undefined) verifyBodyDigests(bytes, digests, body);
  return bytes;
}

/**
 * The XML document in a body, whose root element must be `root`.
 * Errors: as `readBody`; MalformedXML 400 · MissingRequestBodyError 400 for an empty body.
 */
export async function readXmlBody(body: RequestBody, limits: BodyLimits & { root: string }): Promise<XmlElement> {
  const element = await readOptionalXmlBody(body, limits);
  if (element === undefined) throw new S3Error('MissingRequestBodyError');
  return element;
}

/** As `readXmlBody`, but an empty body is `undefined`. */
export async function readOptionalXmlBody(
  body: RequestBody,
  limits: BodyLimits & { root: string },
): Promise<XmlElement | undefined> {
  const bytes = await readBody(body, limits);
  if (bytes.length === 0) return undefined;
  const element = parseDocument(bytes);
  if (element.name !== limits.root) {
    throw malformedXml(`The root element must be ${limits.root}, not ${quoted(element.name)}.`);
  }
  return element;
}

/** Which children an element may have; any other is MalformedXML. */
export interface ElementShape<Single extends string, Repeated extends string> {
  /** At most once each. */
  readonly single: readonly Single[];
  /** Any number of times. */
  readonly repeated?: readonly Repeated[];
  /** Elements that S3 knows and Pithos does not honour: answered 501 by name. */
  readonly notImplemented?: readonly string[];
}

/** The children of one element, checked against its shape. Every error is MalformedXML and names the element. */
export interface Fields<Single extends string, Repeated extends string> {
  /** The text of a child, just as it stands; `undefined` where there is none. */
  text(name: Single): string | undefined;
  requiredText(name: Single): string;
  /** Strictly decimal digits, with a minus sign before them or not; at most 15. */
  integer(name: Single): number | undefined;
  requiredInteger(name: Single): number;
  /** `true` or `false`. */
  boolean(name: Single): boolean | undefined;
  child(name: Single): XmlElement | undefined;
  children(name: Repeated): readonly XmlElement[];
}

/**
 * The fields of `element`.
 * Errors: MalformedXML 400 for a child that is unknown or repeated · NotImplemented 501.
 */
export function fieldsOf<const Single extends string, const Repeated extends string = never>(
  element: XmlElement,
  shape: ElementShape<Single, Repeated>,
): Fields<Single, Repeated> {
  if (element.children.length === 0 && element.text.trim() !== '') {
    throw malformedXml(`The element ${element.name} must not hold text.`);
  }
  const found = groupChildren(element, shape);
  const child = (name: Single) => found.get(name)?.[0];
  const text = (name: Single) => leafText(child(name));
  const integer = (name: Single) => parseInteger(name, text(name));
  return {
    text,
    integer,
    child,
    requiredText: (name) => text(name) ?? throwMissing(element, name),
    requiredInteger: (name) => integer(name) ?? throwMissing(element, name),
    boolean: (name) => parseBoolean(name, text(name)),
    children: (name) => found.get(name) ?? [],
  };
}

export function malformedXml(message: string): S3Error {
  return new S3Error('MalformedXML', {
    message: `The XML you provided was not well-formed or did not validate against our published schema. ${message}`,
  });
}

function tooLong(bytesMax: number): S3Error {
  return new S3Error('MaxMessageLengthExceeded', { elements: { MaxMessageLengthBytes: bytesMax } });
}

function parseDocument(bytes: Uint8Array): XmlElement {
  try {
    return parseXml(bytes);
  } catch (error) {
    if (error instanceof XmlError) throw malformedXml(error.message);
    throw error;
  }
}

function groupChildren(element: XmlElement, shape: ElementShape<string, string>): Map<string, XmlElement[]> {
  const found = new Map<string, XmlElement[]>();
  for (const child of element.children) {
    const { name } = child;
    const single = shape.single.includes(name);
    if (!single && !shape.repeated?.includes(name)) throwUnknown(element, child, shape);
    const siblings = found.get(name);
    if (siblings === undefined) found.set(name, [child]);
    else if (single) throw malformedXml(`The element ${name} stands twice in ${element.name}.`);
    else siblings.push(child);
  }
  return found;
}

function throwUnknown(element: XmlElement, child: XmlElement, shape: ElementShape<string, string>): never {
  if (shape.notImplemented?.includes(child.name)) {
    throw new S3Error('NotImplemented', {
      message: `The element ${child.name} of ${element.name} is not implemented.`,
    });
  }
  throw malformedXml(`The element ${quoted(child.name)} is not known in ${element.name}.`);
}

function leafText(element: XmlElement | undefined): string | undefined {
  if (element === undefined) return undefined;
  if (element.children.length > 0) throw malformedXml(`The element ${element.name} must hold text alone.`);
  return element.text;
}

function parseInteger(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!INTEGER.test(text)) throw malformedXml(`The element ${name} must be a whole number, not ${quoted(text)}.`);
  return Number(text);
}

function parseBoolean(name: string, text: string | undefined): boolean | undefined {
  switch (text) {
    case undefined:
      return undefined;
    case 'true':
      return true;
    case 'false':
      return false;
    default:
      throw malformedXml(`The element ${name} must be true or false, not ${quoted(text)}.`);
  }
}

function throwMissing(element: XmlElement, name: string): never {
  throw malformedXml(`The element ${element.name} lacks ${name}.`);
}

/** Text of a client's for a message, cut to a bearable length. */
function quoted(text: string): string {
  const cut = text.length > QUOTED_UNITS_MAX ? `${text.slice(0, QUOTED_UNITS_MAX)}…` : text;
  return JSON.stringify(cut.toWellFormed());
}
