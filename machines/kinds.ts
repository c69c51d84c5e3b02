/**
 * The kinds Corral knows. A new one is a file in this folder and a line here: schemas, documents and tests follow from
 * the list.
 */
import { car } from './car.ts';
import { chargePoint } from './charge-point.ts';
import type { Kind } from './kind.ts';
import { kiosk } from './kiosk.ts';

/** Every kind, once. No two have a binary or measuring sensor of the same name: reports may be told apart by them. */
export const kinds: readonly Kind[] = [chargePoint, car, kiosk];
