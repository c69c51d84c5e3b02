/** The last commands of all: in the end every device does what it is told. */
import { ABANDON } from '../../../machines/common-commands.ts';
import type { Clock } from '../../../src/runtime/ports.ts';
import { type Backend, wordArgs } from './backend.ts';
import type { Chance } from './chance.ts';
import type { ExamAnswer } from './evidence.ts';
import type { Schedule } from './schedule.ts';

/** A hold that ends by itself within this is left alone, ms. */
const EXAM_HOLD_MS = 30_000;
/** What a backend need not ask again for. */
const FINAL: readonly string[] = ['done', 'rejected', 'expired', 'unknown', 'refused'];

/** Who asks, and by which clocks. */
interface Examiner {
  readonly schedule: Schedule;
  readonly backend: Backend;
  readonly clock: Clock;
  readonly chance: Chance;
}

/** Tells the device to do all that it may, one after the other, until each has come to its end; the answers go into `exam`. */
export async function examine(
  device: string,
  { schedule, backend, clock, chance }: Examiner,
  exam: ExamAnswer[],
): Promise<void> {
  // What asks for a person gets one: `abandon` and `clear` come first.
  for (const wanted of [ABANDON, 'clear', 'report', 'reserve', 'release']) {
    const document = await backend.get(device);
    if (wanted !== 'report' && document?.allowed.includes(wanted) !== true) continue;
    // A hold from the storm may run out by itself before it is released.
    const isEnding = (document?.hold?.until ?? Infinity) < clock.now() + EXAM_HOLD_MS;
    if (wanted === 'release' && isEnding) continue;
    const args = wordArgs(wanted, document) ?? {};
    const wish = { device, name: wanted, id: chance.uuid(), args, waitMs: 20_000 };
    let concluded = await backend.command(wish);
    while (!FINAL.includes(concluded)) {
      await new Promise<void>((resolve) => void schedule.after(1_000, resolve));
      concluded = await backend.command(wish);
    }
    exam.push({ device, name: wanted, concluded });
  }
}
