import { factMutations } from './facts.ts';
import { testThatEachIsNoticed } from './noticed.ts';

testThatEachIsNoticed(factMutations);
