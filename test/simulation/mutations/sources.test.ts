import { sourceMutations } from './sources.ts';
import { testThatEachIsNoticed } from './noticed.ts';

testThatEachIsNoticed(sourceMutations);
