import { setBackMutations } from './set-backs.ts';
import { testThatEachIsNoticed } from './noticed.ts';

testThatEachIsNoticed(setBackMutations);
