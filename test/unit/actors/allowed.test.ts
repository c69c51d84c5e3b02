/**
 * What a document says is allowed is what the guard would not refuse.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../../../actors/decide.ts';
import type { CommandRequest, Twin } from '../../../actors/twin.ts';
import { explain } from '../../../actors/explain.ts';
import { namesToAbandon } from '../../../actors/legality.ts';
import { guardVerdict, WAITING_MAX } from '../../../actors/prospect.ts';
import { chargePoint } from '../../../machines/charge-point.ts';
import { kinds } from '../../../machines/kinds.ts';
import { type Report, RING_SIZE_MAX } from '../../../machines/report.ts';
import { Pair } from './pair.ts';

const { freshMs, probeTimeoutMs } = chargePoint.limits;

/** A device that says of no command what became of it. */
function ringless(pair: Pair, given: Partial<Report> = {}): void {
  const { commands, ...report } = pair.measure(given);
  expect(commands).toBeDefined();
  pair.hear(report);
}

/** Right arguments of a command: a person's word has a reason, and `abandon` gives up one that is undecided. */
function argsOf({ twin }: Pair, name: string): CommandRequest['args'] {
  const reason = 'looked at it';
  if (name === 'clear' || name === 'renew-identity') return { reason };
  return name === 'abandon' ? { command: namesToAbandon(twin)[0] ?? 'none', reason } : {};
}

/** Whether a request for the command, with right arguments, is refused now; nothing about the twin changes. */
function refusalOf(pair: Pair, name: string): string | null {
  const { twin, kind, now, hearingSince, readThroughAt, epoch, serverErrorMs } = pair;
  const request: CommandRequest = {
    id: 'asked',
    name,
    args: argsOf(pair, name),
    waitUntil: now,
    ifVersion: null,
    asker: 'nats:backend',
    by: 'mara',
    replyTo: { subject: '_INBOX.asked', encoding: 'json' },
  };
  const input = { type: 'command', request, known: null } as const;
  const context = { now, hearingSince, readThroughAt, epoch, serverErrorMs };
  const { effects } = decide(kind, twin, input, context);
  for (const effect of effects)
    if (effect.type === 'answer' && effect.to === request.replyTo && effect.reply.type === 'refused')
      return effect.reply.refusal.code;
  return null;
}

function explained(pair: Pair): readonly string[] {
  const { twin, kind, now, serverErrorMs } = pair;
  const known = {
    twin,
    kind,
    now,
    serverErrorMs,
    transitions: [],
    commands: [],
    rejected: [],
    unready: null,
  };
  return explain(known)
    .commands.filter(({ accepted }) => accepted)
    .map(({ name }) => name);
}

describe('a device that reports no outcomes of commands', () => {
  test('is not allowed what needs knowledge that is proved fresh, and is refused it at once', () => {
    const pair = new Pair();
    ringless(pair);
    expect(pair.document).toMatchObject({ state: 'available', allowed: ['report', 'reboot'] });
    pair.ask('reserve', { id: 'r' });
    expect(pair.refusals).toEqual(['stale']);
    expect(pair.replies.at(-1)?.reply).toMatchObject({
      refusal: { detail: expect.stringContaining('`commands`') as unknown },
    });
    expect(pair.twin.waiting).toEqual([]);
  });

  test('is allowed it again once it has answered', () => {
    const pair = new Pair();
    ringless(pair);
    pair.answer();
    expect(pair.document.allowed).toContain('reserve');
    ringless(pair);
    expect(pair.document.allowed, 'it has a ring, which this report only does not show').toContain('reserve');
  });
});

test('what waits for a probe is not allowed to more than may wait', () => {
  const pair = new Pair().meet();
  pair.pass(freshMs + 1);
  for (let count = 0; count < WAITING_MAX; count += 1) pair.ask('reserve');
  expect(pair.document.allowed).toEqual(['report', 'reboot']);
  pair.pass(probeTimeoutMs + 1);
  expect(pair.document.allowed).toContain('reserve');
});

/** Something that happens to a twin and its device. */
type Step =
  | 'report'
  | 'ringless'
  | 'answer'
  | 'pass-on'
  | 'use'
  | 'leave'
  | 'restart'
  | number
  | { readonly ask: string };

function happen(pair: Pair, step: Step): void {
  if (typeof step === 'number') pair.pass(step);
  else if (typeof step === 'object') pair.ask(step.ask, { args: argsOf(pair, step.ask), by: 'mara' });
  else if (step === 'report') pair.report();
  else if (step === 'ringless') ringless(pair);
  else if (step === 'answer') pair.answer();
  else if (step === 'pass-on') passOn(pair);
  else if (step === 'restart') pair.device.reboot(pair.now, 'everything');
  else if (step === 'use') pair.device.use(pair.now, true);
  else pair.device.leave(pair.now);
}

/** The device takes what is sent, passes it on, and cannot tell what becomes of it. */
function passOn(pair: Pair): void {
  for (const { n } of pair.unhandled()) {
    pair.device.ring = [{ n, outcome: 'undecided' }, ...pair.device.ring].slice(0, RING_SIZE_MAX);
    pair.device.highestN = n;
  }
  pair.report();
}

describe.each(kinds)('of every $name that can be', (kind) => {
  const names = Object.keys(kind.commands);
  const step = fc.oneof(
    fc.constantFrom<Step>('report', 'ringless', 'answer', 'pass-on', 'use', 'leave', 'restart'),
    fc.constantFrom<Step>(1_000, probeTimeoutMs, freshMs + 1, 120_001, 3_600_000),
    fc.constantFrom(...names).map((ask): Step => ({ ask })),
  );

  test('a command is allowed if, and only if, it would not be refused now, and explain says the same', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), fc.boolean(), (steps, isRingless) => {
        const pair = new Pair({ kind });
        for (const each of steps) happen(pair, isRingless && each === 'report' ? 'ringless' : each);
        const accepted = names.filter((name) => refusalOf(pair, name) === null);
        expect(pair.document.allowed).toEqual(accepted);
        expect(explained(pair)).toEqual(accepted);
        for (const name of names) {
          const prospect = guardVerdict({ twin: pair.twin, kind, context: pair }, name);
          expect(prospect.type === 'refused' ? prospect.code : null).toBe(refusalOf(pair, name));
        }
      }),
      { numRuns: 300 },
    );
  });
});

test('a refusal names what the guard would take', () => {
  const pair = new Pair();
  ringless(pair);
  pair.ask('stop');
  const before: Twin = pair.twin;
  expect(pair.replies.at(-1)?.reply).toMatchObject({ refusal: { allowed: ['report', 'reboot'] } });
  expect(pair.twin).toBe(before);
});
