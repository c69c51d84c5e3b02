import { runtimeMutations } from './runtime.ts';
import { testThatEachIsNoticed } from './noticed.ts';

testThatEachIsNoticed(runtimeMutations);
