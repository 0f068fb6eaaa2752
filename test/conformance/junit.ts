import { SaxesParser } from 'saxes';
import type { CaseResult } from './lists.ts';

/** Longest part of a message that is kept. */
const MESSAGE_CHARACTERS_MAX = 300;

/** Reads a report in JUnit's XML, as pytest writes it, into results by case: `test_s3.py::test_bucket_head`. */
export function parseJunit(xml: string): ReadonlyMap<string, CaseResult> {
  const results = new Map<string, CaseResult>();
  const parser = new SaxesParser();
  let id = '';
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    switch (name) {
      case 'testcase':
        id = caseId(attributes['classname'] ?? '', attributes['name'] ?? '');
        // A case whose clean-up fails has a second entry.
        if (!results.has(id)) results.set(id, { status: 'passed', message: '' });
        break;
      case 'failure':
      case 'error':
        results.set(id, { status: 'failed', message: oneLine(attributes['message'] ?? '') });
        break;
      case 'skipped':
        results.set(id, { status: 'skipped', message: oneLine(attributes['message'] ?? '') });
        break;
      default:
    }
  });
  parser.write(xml).close();
  return results;
}

/** `s3tests.functional.test_s3` and `test_bucket_head` are `test_s3.py::test_bucket_head`. */
function caseId(module: string, name: string): string {
  return `${module.split('.').at(-1)}.py::${name}`;
}

function oneLine(message: string): string {
  return message.replaceAll(/\s+/g, ' ').trim().slice(0, MESSAGE_CHARACTERS_MAX);
}
