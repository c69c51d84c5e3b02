/**
 * Loaded into a node before anything else of it (`--import`): a charge point may be silent for seconds only, so that a test can wait for a
 * silence.
 */
import { chargePoint } from '../../machines/charge-point.ts';

/** As long as a charge point may be silent there, ms. */
const SHORT_SILENCE_MS = 4_000;

Object.assign(chargePoint.limits, { silenceMs: SHORT_SILENCE_MS });
