/**
 * Checks a report's sensor values against its kind. Separate from reading the report, because the kind is known only
 * once the device is (inventory, or the report's own `kind`).
 */
import type { TObject } from '@sinclair/typebox';
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler';
import type { Kind } from '../../machines/kind.ts';
import type { Report } from '../../machines/report.ts';
import { schemaProblem } from './schema-problem.ts';

/** Compiled checks, by the kind object they belong to. */
const checks = new WeakMap<Kind, TypeCheck<TObject>>();

/** What is wrong with the report's `state` or sensor values for this kind, or `null`. */
export function sensorsProblem(kind: Kind, report: Report): string | null {
  let check = checks.get(kind);
  if (check === undefined) {
    check = TypeCompiler.Compile(kind.sensors);
    checks.set(kind, check);
  }
  if (!kind.reportedStates.includes(report.state)) {
    const state = JSON.stringify(report.state);
    return `/state: a ${kind.name} reports one of ${kind.reportedStates.join(', ')}, not ${state}`;
  }
  if (!check.Check(report.sensors))
    return `sensors of a ${kind.name}: ${schemaProblem(check, report.sensors)}`;
  return null;
}
