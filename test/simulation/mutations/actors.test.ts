import { actorMutations } from './actors.ts';
import { testThatEachIsNoticed } from './noticed.ts';

testThatEachIsNoticed(actorMutations);
