/** Every rule of the kit, in the order in which they are tested: what must not be disturbed comes first, the log comes last. */
import type { Rule } from './rule.ts';
import { boundRules } from './rules/bounds.ts';
import { commandRules } from './rules/commands.ts';
import { deliveryRules } from './rules/delivery.ts';
import { holdRules } from './rules/holds.ts';
import { refusalRules } from './rules/refusals.ts';
import { reportRules } from './rules/reports.ts';
import { restartRules } from './rules/restarts.ts';

/** The rules. */
export const rules: readonly Rule[] = [
  ...commandRules,
  ...refusalRules,
  ...holdRules,
  ...deliveryRules,
  ...restartRules,
  ...boundRules,
  ...reportRules,
];
