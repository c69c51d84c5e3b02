/** Lives a life in no time: every turn of it, and the report that its device would make of each. */
import type { Report } from '../../../machines/report.ts';
import { BLANK_MEMORY } from '../../../src/device/device-state.ts';
import { FIRST_MEASUREMENT, type Measurement, takeMeasurement } from '../../../src/device/measurement.ts';
import { Dice } from '../../../tools/fleet/chance.ts';
import { type Being, type Life, takeTurn } from '../../../tools/fleet/life.ts';

/** One turn of a life. */
export interface LivedTurn<State> {
  readonly what: string;
  readonly state: State;
  readonly report: Report;
}

/** Lives from `from` to `to`, world time, without anybody reserving or commanding. One boot, real time = world time. */
export function lived<What extends string, State extends Being<What>>(
  life: Life<What, State>,
  options: { readonly seed: number; readonly device: string; readonly from: number; readonly to: number },
): LivedTurn<State>[] {
  const { seed, device, from, to } = options;
  const dice = (draws: number): Dice => new Dice({ seed, who: device, draws });
  const birth = dice(0);
  const born = life.born(birth, from);
  let state: State = { ...born, draws: birth.draws };
  let measurement: Measurement = FIRST_MEASUREMENT;
  const turns: LivedTurn<State>[] = [];
  for (;;) {
    const [next] = state.agenda;
    if (next === undefined || next.at > to) return turns;
    ({ state } = takeTurn(life, state, { dice: dice(state.draws), isHeld: false }));
    const made = takeMeasurement(measurement, {
      memory: { ...BLANK_MEMORY, boot: 1 },
      reading: life.read(state, false),
      up: Math.floor(state.at - from),
      wall: null,
      kind: life.kind,
      components: null,
    });
    measurement = made.measurement;
    turns.push({ what: next.what, state, report: made.report });
  }
}
