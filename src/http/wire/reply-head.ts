/** The head of an answer: `HTTP/1.1 200 OK`, headers, and the empty line. */
export interface ReplyHeadParts {
  readonly status: number;
  /** Names and values by turns. */
  readonly headers: readonly string[];
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  206: 'Partial Content',
  301: 'Moved Permanently',
  303: 'See Other',
  304: 'Not Modified',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  411: 'Length Required',
  412: 'Precondition Failed',
  416: 'Range Not Satisfiable',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  507: 'Insufficient Storage',
};
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What no value holds: an answer must never be split by what a client once sent. */
const NO_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * The bytes of a head, one character each. Throws TypeError for a header that would not stay within its line.
 * Source: https://www.rfc-editor.org/rfc/rfc9112#section-4
 */
export function replyHead({ status, headers }: ReplyHeadParts): string {
  let text = `HTTP/1.1 ${status} ${REASONS[status] ?? ''}\r\n`;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? '';
    const value = headers[index + 1] ?? '';
    if (!NAME.test(name) || NO_VALUE.test(value))
      throw new TypeError(`The header ${JSON.stringify(name)} cannot be sent.`);
    text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}
