/** `docs/http.md`: what of it follows from the contract. */
import { FILTER_NAMES, FILTERS } from '../../src/contract/device-filter.ts';
import { code, table } from './markdown.ts';

/** The document with its table of filters made anew. */
export function httpDocument(document: string): string {
  const filters = table(
    ['parameter', 'only devices'],
    FILTER_NAMES.map((name) => [code(name), FILTERS[name].meaning]),
  );
  return document.replace(
    /(<!-- generated: filters -->\n)[^]*?(<!-- end -->)/,
    (_, begin: string, end: string) => `${begin}\n${filters}\n\n${end}`,
  );
}
