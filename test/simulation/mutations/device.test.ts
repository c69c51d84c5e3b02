import { deviceMutations } from './device.ts';
import { testThatEachIsNoticed } from './noticed.ts';

testThatEachIsNoticed(deviceMutations);
