import { expect, test } from 'vitest';
import { type Twin, twinRows } from '../../../tools/cli/twin-rows.ts';

const time = (minute: number): string => `2026-11-30T07:${String(minute).padStart(2, '0')}:00.000Z`;

/** A twin of which each value is found nowhere else. */
const TWIN: Twin = {
  device: 'cp-7',
  kind: 'charge-point',
  site: 'depot',
  registered: true,
  version: 7_001,
  state: 'reserved',
  path: 'reserved.waiting',
  since: time(1),
  quality: 'suspect',
  asOf: time(2),
  errorMs: 31,
  ageMs: 4_000,
  lastContact: time(3),
  connected: true,
  responsive: true,
  firmware: '4.11.2',
  reported: { powerW: 11_001, hatch: 'ajar' },
  unreadable: ['meterWh', 'temperatureC'],
  via: { id: 'gw-3', session: 12, doubt: 'away', since: time(4) },
  desired: { version: 5, values: { limitA: 16 }, delta: { limitB: 32 } },
  pending: [
    {
      id: 'id-of-start',
      n: 90_210,
      name: 'start',
      outcome: 'pending',
      sentAt: time(5),
      certainAt: time(6),
      undecided: true,
    },
  ],
  hold: { id: 'id-of-hold', by: 'anna', until: time(7), certainUntil: time(8) },
  suspicions: [
    {
      reason: 'divergent-hold',
      since: time(9),
      detail: 'the hold is lost',
      divergence: {
        sort: 'lost-hold',
        hold: 'id-of-lost',
        by: 'bob',
        expected: 'a hold',
        reported: 'none at all',
        until: time(10),
        policy: 're-assert',
        reassertedBy: 'id-of-again',
      },
    },
  ],
  clock: { offsetMs: -57, errorMs: 68, verified: true },
  sequence: { incarnation: 2, boot: 41, seq: 207, missing: 3, late: 19, duplicates: 23 },
  allowed: ['report', 'clear'],
};

const textOf = (twin: Twin): string =>
  twinRows(twin)
    .map(([name, value]) => `${name}: ${String(value)}`)
    .join('\n');

/** All that is in it, but what is only true or false. */
function leavesOf(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return typeof value === 'boolean' ? [] : [String(value)];
  return Object.values(value).flatMap(leavesOf);
}

test('people see all that the document of a twin says', () => {
  const text = textOf(TWIN);
  const durations = { ageMs: '4 s', clockMs: '57' };
  const { ageMs, clock, ...rest } = TWIN;
  expect(ageMs).toBe(4_000);
  for (const leaf of leavesOf({ ...rest, ...durations, clockError: clock.errorMs }))
    expect(text).toContain(leaf);
  expect(text).toContain('undecided');
});

test('of the newest report its place is shown, and what of it could not be read', () => {
  const rows = new Map(twinRows(TWIN));
  expect(rows.get('unreadable')).toBe('meterWh, temperatureC');
  expect(rows.get('sequence')).toBe('incarnation 2, boot 41, report 207; 3 missing, 19 late, 23 duplicates');
  expect(rows.get('clock')).toBe('57 ms behind ± 68 ms, verified by a round trip');
});

test('what is not so is said, or left out', () => {
  const text = textOf({
    ...TWIN,
    registered: false,
    responsive: false,
    hold: null,
    suspicions: [],
    pending: [],
  });
  expect(text).toContain('device: cp-7, charge-point at depot, not registered');
  expect(text).toContain('connected: yes: reports arrive, but the last 3 commands got no response');
  const { responsive: _, ...older } = TWIN;
  expect(textOf({ ...older, hears: false })).toContain('the last 3 commands got no response');
  expect(textOf({ ...older, hears: true })).toContain('connected: yes\n');
  expect(text).not.toMatch(/suspicion|divergence|command:/);
  const unheard = { ...TWIN, sequence: { ...TWIN.sequence, boot: null, seq: null }, connected: false };
  expect(textOf(unheard)).toMatch(/connected: no\n[^]*sequence: null/);
});
