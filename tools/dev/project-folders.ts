/** Where the project's own files are, and where what it fetched is kept, wherever the program was started from. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top of the project: the folder of `nats.conf`. */
export const projectFolder = fileURLToPath(new URL('../../', import.meta.url));

/** Programs that were fetched are kept here between runs: `.cache` in the project, or `CORRAL_CACHE_DIR`. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env.CORRAL_CACHE_DIR ?? join(projectFolder, '.cache');
}
