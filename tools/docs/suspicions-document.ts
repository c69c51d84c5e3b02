/**
 * The reference of all reasons to doubt a device's state, as Markdown, read off the rules, so that what people look up is what the
 * code does.
 */
import { CONTRADICTION_RULE, SUSPICIONS, type SuspicionRule } from '../../actors/suspicions.ts';
import { DIVERGENCES, type DivergenceSort, POLICIES } from '../../machines/divergence.ts';
import type { Kind } from '../../machines/kind.ts';
import { code, table } from './markdown.ts';

/** Writes `docs/suspicions.md`. */
export function suspicionsDocument(kinds: readonly Kind[]): string {
  return `${[introduction, ruleTable(), clearing, contradictionTable(kinds), divergence(kinds)].join('\n\n')}\n`;
}

const introduction = `# Suspicions

Written by \`npm run docs\` from \`actors/suspicions.ts\` and \`machines/\`; a test checks that it is up to date.

A suspicion is a reason to doubt the known state. While one is open the twin is in \`suspect\`, its quality is \`suspect\`, and it accepts
\`report\`, \`reboot\` and \`clear\` only, and in \`identity-conflict\` \`renew-identity\`. Where who speaks for a device is away (\`source-away\`) its quality
is \`unknown\`, and \`reboot\` is not accepted either: it would not arrive. Each is in the twin's document as \`{reason, since, detail}\`, and every beginning and end of
\`suspect\` is in the journal with its cause. A device that is silent is \`offline\`, and keeps its suspicions.

A device that says itself that it must not be used (\`suspect.out-of-service\`) is in \`suspect\` without a suspicion: it is left with the
first report that says otherwise, and there is nothing to clear. People are told the two apart: \`suspect.doubted\` is "suspect", and
\`suspect.out-of-service\` is "out of service".

## When each begins and ends`;

const clearing = `\`clear\` is a command like any other, with an id of its own; \`by\` and the argument \`reason\` are required. The twin executes it at once,
it is in the ledger as done, in the journal with the cause \`engineer\`, and never sent to the device. It is accepted while
anything is in doubt, also while the device is silent, another command is under way, or no other command has room. Where it cannot end
a doubt, because a report can still tell what became of a command, its proof in the ledger says what stays.

Who speaks under a device's name a person may know better than the twin: after a repair, or where a device that should answer does not.
\`renew-identity\` (\`corral identity renew DEVICE --by NAME --why SENTENCE\`, or a command like \`clear\`) begins a new count of boots with
the first report that the hub stores from then on. It is accepted while the device is offline, or in \`identity-conflict\`. What a count before
had measured, and comes later, is filed there; one that goes on beside the new count, however long ago it was ended, is a second device: \`identity-conflict\`. Until a report comes nothing is
known: the twin is \`offline\`, has no hold, and takes no command but \`report\`; it asks for one at once. Commands without an outcome are
closed as unprovable, but for those that it has named \`undecided\`, which end by its word. How long each doubt about who speaks lasts is in [the protocol](protocol.md#what-a-device-may-forget).

A command that its device has named \`undecided\`, as a gateway does while it waits for its station, is in flight beyond the device, and may
take effect however long ago it was sent. While it is, every command is refused as \`pending\`, its hold has no \`certainUntil\`, and
\`clear\` does not close it. Where the gateway does not come back, \`abandon\` (\`corral abandon DEVICE ID --by NAME --why SENTENCE\`, or a command like \`clear\`) gives it up: it names the \`command\` and a \`reason\`, says
\`by\` whom, stands in the journal like \`clear\`, and leaves the command \`unknown\`, \`abandoned\` in the ledger.

## Contradictions by kind`;

function ruleTable(): string {
  const row = (reason: string, { entered, left, cleared }: SuspicionRule): readonly string[] => [
    reason,
    entered,
    left,
    cleared,
  ];
  return table(
    ['reason', 'begins when', 'ends when', '`clear`'],
    [
      row('a contradiction of the kind, by its code', CONTRADICTION_RULE),
      ...Object.entries(SUSPICIONS).map(([reason, rule]) => row(code(reason), rule)),
    ],
  );
}

function contradictionTable(kinds: readonly Kind[]): string {
  const rows = kinds.flatMap(({ name, contradictions }) =>
    Object.entries(contradictions).map(([reason, sentence]) => [code(name), code(reason), sentence]),
  );
  return table(['kind', 'reason', 'what cannot be true'], rows);
}

function divergence(kinds: readonly Kind[]): string {
  const sorts = Object.keys(DIVERGENCES) as DivergenceSort[];
  return [
    '## Divergences',
    'Where the device and the ledger disagree about who may use it. Such a suspicion carries `divergence`: its `sort`, the `hold` it is about and `by` whom, what the twin `expected`, what the device `reported`, `until` when the hold would have lasted, the `policy`, and `reassertedBy`, the id of the command by which the twin re-asserted it. The journal tells how long it lasted when it ends.',
    table(
      ['sort', 'what it is', ...kinds.map(({ name }) => code(name))],
      sorts.map((sort) => [
        code(sort),
        DIVERGENCES[sort],
        ...kinds.map((kind) => code(kind.divergence[sort])),
      ]),
    ),
    table(
      ['policy', 'what is done'],
      Object.entries(POLICIES).map(([policy, sentence]) => [code(policy), sentence]),
    ),
    'A command is re-asserted once for each divergence, and only where nothing else is in doubt or under way and the device is in a state that takes it: `reserve` for at least 30 s that are left, by knowledge as fresh as the command needs. What the twin knows nothing of, such as a hold that was never its own, what it re-asserted itself, and a hold that was neither begun nor seen since a node took over (a release of it may be forgotten, where the database was restored), is left to the device as by `trust-device`.',
  ].join('\n\n');
}
