/** Every property that a storm is judged by: those of simulated worlds that take the same evidence, and those of ways. */
import { acceptance } from '../../simulation/checkers/acceptance.ts';
import { calm } from '../../simulation/checkers/calm.ts';
import { certainlyNot } from '../../simulation/checkers/certainly-not.ts';
import type { Checker } from '../../simulation/checkers/checker.ts';
import { conclusions } from '../../simulation/checkers/conclusions.ts';
import { epochs } from '../../simulation/checkers/epochs.ts';
import { execution } from '../../simulation/checkers/execution.ts';
import { freshness } from '../../simulation/checkers/freshness.ts';
import { history } from '../../simulation/checkers/history.ts';
import { knownState } from '../../simulation/checkers/known-state.ts';
import { outcomes } from '../../simulation/checkers/outcomes.ts';
import { publication } from '../../simulation/checkers/publication.ts';
import { someFresh } from '../../simulation/checkers/some-fresh.ts';
import { soundness } from '../../simulation/checkers/soundness.ts';
import { told } from '../../simulation/checkers/told.ts';
import type { StormEvidence } from '../evidence.ts';
import { allowed } from './allowed.ts';
import { following } from './following.ts';
import { versions } from './versions.ts';

/** What is not looked at by a checker: that there is something to look at in the end. */
export const SETTLING = {
  name: 'settling',
  sentence: 'once nothing is wrong any more everything becomes right by itself',
} as const;

export const stormCheckers: readonly Checker<StormEvidence>[] = [
  soundness,
  history,
  outcomes,
  execution,
  epochs,
  acceptance,
  knownState,
  told,
  conclusions,
  certainlyNot,
  publication,
  freshness,
  someFresh,
  calm,
  following,
  versions,
  allowed,
];
