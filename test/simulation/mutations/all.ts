/** Every bug that is planted. */
import { actorMutations } from './actors.ts';
import { adapterMutations } from './adapters.ts';
import { deviceMutations } from './device.ts';
import { factMutations } from './facts.ts';
import type { Mutation } from './mutation.ts';
import { runtimeMutations } from './runtime.ts';
import { setBackMutations } from './set-backs.ts';
import { sourceMutations } from './sources.ts';
import { troubleMutations } from './troubles.ts';

export const mutations: readonly Mutation[] = [
  ...actorMutations,
  ...runtimeMutations,
  ...deviceMutations,
  ...setBackMutations,
  ...troubleMutations,
  ...adapterMutations,
  ...factMutations,
  ...sourceMutations,
];
