import { kinds } from '../../../machines/kinds.ts';
import type { LedgerEntry } from '../../../src/contract/ledger-entry.ts';
import type { Twin } from '../../../actors/twin.ts';
import { type Checker, type Flaw, short } from './checker.ts';

/** A person's word (`clear`) is the twin's alone, and ends nothing that a report can still tell. */
export const word: Checker = {
  name: 'word',
  sentence:
    'what a twin does by itself is never sent to a device, and a person’s word closes no command before a report shows that the device is past it',
  check: ({ record }) => {
    const sent = record.receptions
      .filter(({ command }) => isOfTwin(command.name))
      .map(({ at, device, command }): Flaw => {
        return { at, device, text: `${command.name} ${short(command.id)} has reached the device` };
      });
    const closed = record.commits.flatMap(({ at, commit }) =>
      commit.ledger
        .filter(({ name, proof }) => !isOfTwin(name) && proof?.startsWith('engineer:') === true)
        // What is given up says so: it may have its effect.
        .filter(({ reason }) => reason !== 'abandoned')
        .filter(
          (entry) =>
            !isPast(
              entry,
              commit.twins.find(({ device }) => device === entry.device),
            ),
        )
        .map(({ device, name, id }): Flaw => {
          return { at, device, text: `a word closes ${name} ${short(id)}, which may still have its effect` };
        }),
    );
    return [...sent, ...closed];
  },
};

function isOfTwin(name: string): boolean {
  return kinds.some(({ commands }) => Object.hasOwn(commands, name) && commands[name]?.decidedBy === 'twin');
}

function isPast({ boot, notAfterUp }: LedgerEntry, twin: Twin | undefined): boolean {
  const newest = twin?.newest ?? null;
  if (newest === null || boot === null || notAfterUp === null) return false;
  return newest.boot > boot || (newest.boot === boot && newest.up > notAfterUp);
}
