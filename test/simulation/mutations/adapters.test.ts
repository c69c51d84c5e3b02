import { adapterMutations } from './adapters.ts';
import { testThatEachIsNoticed } from './noticed.ts';

testThatEachIsNoticed(adapterMutations);
