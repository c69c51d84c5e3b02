/**
 * Whether everything on the page can be read: contrasts as WCAG 2.2 (1.4.3, 1.4.11) asks for them, light and dark.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const tokens = readFileSync(join(import.meta.dirname, '../../../src/page/style/tokens.css'), 'utf8');
const [light = '', dark = ''] = tokens.split('@media (prefers-color-scheme: dark)');

const INKS = [
  'ink',
  'ink-soft',
  'accent',
  'available',
  'reserved',
  'charging',
  'in-use',
  'offline',
  'suspect',
  'out-of-service',
  'stale',
];
const GROUNDS = ['ground', 'surface', 'raised'];

function colour(scheme: string, name: string): string {
  const [, found] = new RegExp(`--${name}: (#[0-9a-f]{6});`).exec(scheme) ?? [];
  if (found === undefined) throw new Error(`there is no colour ${name}`);
  return found;
}

/** Relative luminance, as WCAG defines it. */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((start) => Number.parseInt(hex.slice(start, start + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].toSorted((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

describe.each([
  ['light', light],
  ['dark', dark],
])('in the %s', (_name, scheme) => {
  const pairs = INKS.flatMap((ink) => GROUNDS.map((ground) => [ink, ground] as const));
  test.each(pairs)('%s can be read on %s', (ink, ground) => {
    expect(contrast(colour(scheme, ink), colour(scheme, ground))).toBeGreaterThanOrEqual(4.5);
  });

  test('an alarm can be read', () => {
    expect(contrast(colour(scheme, 'alarm-ink'), colour(scheme, 'alarm-ground'))).toBeGreaterThanOrEqual(4.5);
  });

  test.each(GROUNDS)('edges of fields and the focus are seen on %s', (ground) => {
    for (const edge of ['line-strong', 'focus']) {
      expect(contrast(colour(scheme, edge), colour(scheme, ground))).toBeGreaterThanOrEqual(3);
    }
  });
});
