/** Devices made faulty on purpose: each breaks what its line says, and nothing else. */
import { commandFaults } from './commands.ts';
import { deliveryFaults } from './delivery.ts';
import type { Fault } from './fault.ts';
import { holdFaults } from './holds.ts';
import { refusalFaults } from './refusals.ts';
import { reportFaults } from './reports.ts';
import { restartFaults } from './restarts.ts';

/** All of them. */
export const faults: readonly Fault[] = [
  ...commandFaults,
  ...refusalFaults,
  ...holdFaults,
  ...deliveryFaults,
  ...reportFaults,
  ...restartFaults,
];
