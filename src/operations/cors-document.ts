import { type CorsRule, hasOneStarAtMost, isHeaderName, isHeaderPattern, isOriginPattern } from '../domain/cors.ts';
import { S3Error } from '../domain/s3-error.ts';
import { element, textElement, type Xml, xmlDocument } from '../xml/build.ts';
import type { XmlElement } from '../xml/parse.ts';
import { fieldsOf, malformedXml } from './xml-body.ts';

/** Largest configuration, in bytes, and most rules. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html */
export const CORS_BYTES_MAX = 64 * 1024;
const RULES_MAX = 100;
const ID_UNITS_MAX = 255;
const MAX_AGE_SECONDS_MAX = 2 ** 31 - 1;

const METHODS: ReadonlySet<string> = new Set(['GET', 'PUT', 'HEAD', 'POST', 'DELETE']);

/** The rules of a `CORSConfiguration`. Errors: InvalidRequest, MalformedXML 400. */
export function parseCors(configuration: XmlElement): readonly CorsRule[] {
  const rules = fieldsOf(configuration, { single: [], repeated: ['CORSRule'] }).children('CORSRule');
  if (rules.length === 0) throw malformedXml('CORSConfiguration needs at least one CORSRule.');
  if (rules.length > RULES_MAX) {
    throw invalidRequest(`The number of CORS rules should not exceed allowed limit of ${RULES_MAX} rules.`);
  }
  return rules.map(parseRule);
}

export function corsDocument(rules: readonly CorsRule[]): string {
  return xmlDocument('CORSConfiguration', rules.map(ruleElement));
}

function parseRule(rule: XmlElement): CorsRule {
  const fields = fieldsOf(rule, {
    single: ['ID', 'MaxAgeSeconds'],
    repeated: ['AllowedOrigin', 'AllowedMethod', 'AllowedHeader', 'ExposeHeader'],
  });
  const texts = (name: 'AllowedOrigin' | 'AllowedMethod' | 'AllowedHeader' | 'ExposeHeader') =>
    fields.children(name).map(({ text }) => text.trim());
  const id = fields.text('ID');
  const maxAgeSeconds = fields.integer('MaxAgeSeconds');
  const allowedOrigins = texts('AllowedOrigin');
  const allowedMethods = texts('AllowedMethod');
  const allowedHeaders = texts('AllowedHeader');
  const exposeHeaders = texts('ExposeHeader');
  if (allowedOrigins.length === 0 || allowedMethods.length === 0) {
    throw malformedXml('A CORSRule needs at least one AllowedOrigin and one AllowedMethod.');
  }
  for (const origin of allowedOrigins) requirePattern('AllowedOrigin', origin, isOriginPattern);
  for (const method of allowedMethods) requireMethod(method);
  for (const header of allowedHeaders) requirePattern('AllowedHeader', header, isHeaderPattern);
  for (const header of exposeHeaders) requireExposable(header);
  if (id !== undefined && id.length > ID_UNITS_MAX)
    throw invalidRequest(`An ID has at most ${ID_UNITS_MAX} characters.`);
  if (maxAgeSeconds !== undefined && (maxAgeSeconds < 0 || maxAgeSeconds > MAX_AGE_SECONDS_MAX)) {
    throw invalidRequest(`MaxAgeSeconds is between 0 and ${MAX_AGE_SECONDS_MAX}.`);
  }
  return {
    ...(id !== undefined && { id }),
    allowedOrigins,
    allowedMethods,
    allowedHeaders,
    exposeHeaders,
    ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
  };
}

function ruleElement(rule: CorsRule): Xml {
  return element('CORSRule', [
    textElement('ID', rule.id),
    ...rule.allowedOrigins.map((origin) => textElement('AllowedOrigin', origin)),
    ...rule.allowedMethods.map((method) => textElement('AllowedMethod', method)),
    ...rule.allowedHeaders.map((header) => textElement('AllowedHeader', header)),
    ...rule.exposeHeaders.map((header) => textElement('ExposeHeader', header)),
    textElement('MaxAgeSeconds', rule.maxAgeSeconds),
  ]);
}

function requireMethod(method: string): void {
  if (METHODS.has(method)) return;
  throw invalidRequest(`Found unsupported HTTP method in CORS config. Unsupported method is ${shown(method)}`);
}

function requirePattern(name: string, pattern: string, isAllowed: (pattern: string) => boolean): void {
  if (!hasOneStarAtMost(pattern)) {
    throw invalidRequest(`${name} "${shown(pattern)}" can not have more than one wildcard.`);
  }
  if (!isAllowed(pattern)) throw invalidRequest(`${name} "${shown(pattern)}" can never be sent by a browser.`);
}

function requireExposable(header: string): void {
  if (header.includes('*')) {
    throw invalidRequest(
      `ExposeHeader "${shown(header)}" contains wildcard. We currently do not support wildcard for ExposeHeader.`,
    );
  }
  if (!isHeaderName(header)) throw invalidRequest(`ExposeHeader "${shown(header)}" is not the name of a header.`);
}

function shown(text: string): string {
  return text.slice(0, ID_UNITS_MAX);
}

function invalidRequest(message: string): S3Error {
  return new S3Error('InvalidRequest', { message });
}
