/** What each field of a report means to whoever writes firmware: more than a schema says, and for every field it has. */
import type {
  ComponentSchema,
  ReportedHoldSchema,
  ReportSchema,
  RingEntrySchema,
} from '../../machines/report.ts';

/** What a field means, and what follows when it is left out; `null` where it is required. */
export interface FieldMeaning {
  readonly meaning: string;
  readonly leftOut: string | null;
}

type Meanings<Schema extends { readonly properties: object }> = Readonly<
  Record<keyof Schema['properties'], FieldMeaning>
>;

/** Of a report. */
export const REPORT_MEANINGS: Meanings<typeof ReportSchema> = {
  boot: { meaning: 'the number of this start, counted by the device over its whole life', leftOut: null },
  seq: { meaning: 'the number of this report within the boot: 1, 2, 3, ...', leftOut: null },
  up: {
    meaning:
      'monotonic uptime, ms, at the moment at which everything in this report was read; 2^40 ms are 34 years',
    leftOut: null,
  },
  at: {
    meaning: 'the wall clock, ms since 1970; shown to people, never trusted',
    leftOut: 'nothing is lost',
  },
  state: {
    meaning: 'what the device believes to be: one of the words of its [kind](kinds.md)',
    leftOut: null,
  },
  sensors: {
    meaning: 'every sensor value, under the names of its kind; others are kept and passed on. May be empty',
    leftOut: null,
  },
  since: {
    meaning: 'for every binary sensor, how long it has been as it is, ms before `up`',
    leftOut: 'changes between two reports are lost to history, and contradictions are found later',
  },
  commands: {
    meaning: 'the ring: what became of the last commands, the highest number first. `[]` before the first',
    leftOut:
      'it proves nothing: every command ends as `unknown`, and the state is never known to be fresh, so that commands which need that are refused as `stale`',
  },
  hold: {
    meaning: 'the reservation that lasts now',
    leftOut: 'the same as `null`: the device says that it is held for nobody',
  },
  firmware: { meaning: 'its version', leftOut: 'none is shown' },
  config: {
    meaning:
      '`version` of the desired configuration that it has applied, and `errors` by key where it could not',
    leftOut: 'the configuration counts as not applied',
  },
  components: {
    meaning: 'the inventory scan, in the first report of a boot',
    leftOut: 'the inventory stays as it was',
  },
  kind: {
    meaning: 'its kind, for a device that no inventory knows yet',
    leftOut: 'the kind is told by the inventory, else by the names of the sensors',
  },
  via: {
    meaning:
      'who speaks for it, where it does not speak itself: `id`, a device with reports of its own, and `session`, the `boot` of that one now',
    leftOut: 'the device speaks itself: when nothing is heard of it any more, it is offline',
  },
  device: {
    meaning: 'its id once more; the subject says who it is, and a report that says otherwise is refused',
    leftOut: 'nothing is lost',
  },
};

/** Of an entry of `commands`. */
export const RING_ENTRY_MEANINGS: Meanings<typeof RingEntrySchema> = {
  n: { meaning: 'the number of the command', leftOut: null },
  outcome: { meaning: '`done`, `rejected`, `undecided` or `unknown`', leftOut: null },
  reason: {
    meaning: 'why it was rejected, or cannot be told: a stable word in kebab-case',
    leftOut: 'a rejection is shown as `no-reason-given`',
  },
  fence: {
    meaning:
      'for `unknown`: `{boot}`, the boot in which the command was executed or passed on, which has ended since',
    leftOut: 'an `unknown` proves nothing, and the doubt goes on',
  },
  executedAs: {
    meaning:
      'for a command that [came again under another number](#one-command-one-execution): the lower number under which it was executed',
    leftOut: 'it was executed, or rejected, as `n`',
  },
};

/** Of `hold`. */
export const HOLD_MEANINGS: Meanings<typeof ReportedHoldSchema> = {
  id: { meaning: 'the `id` of the command that began it', leftOut: null },
  leftMs: { meaning: 'what is left of it at `up`, ms, on the device’s own clock', leftOut: null },
};

/** Of an entry of `components`. */
export const COMPONENT_MEANINGS: Meanings<typeof ComponentSchema> = {
  slot: { meaning: 'where it sits, as `modem` or `meter-2`', leftOut: null },
  model: { meaning: 'what it is', leftOut: null },
  serial: { meaning: 'which one it is', leftOut: null },
  firmware: { meaning: 'its own version', leftOut: 'none is shown' },
};
