/**
 * Holds a report against its kind. Separate from reading the report, because the kind is known only once the device is (inventory, or
 * the report's own `kind`).
 */
import type { TObject, TSchema } from '@sinclair/typebox';
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler';
import { Value } from '@sinclair/typebox/value';
import type { Kind } from '../../machines/kind.ts';
import { markUnreadable, type Report } from '../../machines/report.ts';
import { schemaProblem } from './schema-problem.ts';

/** Compiled checks, by the kind object they belong to. */
const checks = new WeakMap<Kind, TypeCheck<TObject>>();

function checkOf(kind: Kind): TypeCheck<TObject> {
  let check = checks.get(kind);
  if (check === undefined) {
    check = TypeCompiler.Compile(kind.sensors);
    checks.set(kind, check);
  }
  return check;
}

/** What a device's developer should mend: what is wrong with the report's `state` or sensor values for this kind, or `null`. */
export function sensorsProblem(kind: Kind, report: Report): string | null {
  const check = checkOf(kind);
  if (!kind.reportedStates.includes(report.state)) {
    const state = JSON.stringify(report.state);
    return `/state: a ${kind.name} reports one of ${kind.reportedStates.join(', ')}, not ${state}`;
  }
  if (!check.Check(report.sensors))
    return `sensors of a ${kind.name}: ${schemaProblem(check, report.sensors)}`;
  return null;
}

/**
 * The report as its kind can read it: a sensor whose value does not fit counts as absent, and is marked. One bad value silences no
 * device: what else the report says of its order, its commands and its hold is heard all the same.
 */
export function readableSensors(kind: Kind, report: Report): Report {
  if (checkOf(kind).Check(report.sensors)) return report;
  const properties: Readonly<Record<string, TSchema | undefined>> = kind.sensors.properties;
  const misfits = Object.entries(report.sensors).flatMap(([name, value]) => {
    const schema = Object.hasOwn(properties, name) ? properties[name] : undefined;
    return schema === undefined || Value.Check(schema, value) ? [] : name;
  });
  const sensors = Object.fromEntries(
    Object.entries(report.sensors).filter(([name]) => !misfits.includes(name)),
  );
  return markUnreadable({ ...report, sensors }, misfits);
}
