import { troubleMutations } from './troubles.ts';
import { testThatEachIsNoticed } from './noticed.ts';

testThatEachIsNoticed(troubleMutations);
