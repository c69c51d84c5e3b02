#!/usr/bin/env node
/**
 * `corral` as a command of the system: the source runs as it is, through a loader that is found beside this package, from
 * whatever folder it is called.
 */
import { register } from 'tsx/esm/api';

register();
await import('./corral.ts');
