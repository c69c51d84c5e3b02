/** What all sensors of one stretch are drawn with. */
import type { Gap } from './gaps.ts';
import type { Span } from './history-window.ts';

/** See the head of this file. */
export interface SensorStretch {
  readonly gaps: readonly Gap[];
  readonly silences: readonly Span[];
  readonly span: Span;
  /** Up to when anything is known, ms epoch. */
  readonly until: number;
  /** False: what it is by the end of the stretch is not known any more. */
  readonly isKnownNow: boolean;
}
