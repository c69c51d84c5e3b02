/** Does something as the hub's warden, and says in one sentence when the hub does not let it. */
import { connectWarden, type Warden, WardenError } from '../warden/warden.ts';
import { hubSecurity, wardenUrl } from './addresses.ts';
import { CommandLineError } from './command-line-error.ts';

/** Connects, does it, and disconnects. Throws `CommandLineError` or `ConnectError`. */
export async function asWarden<T>(act: (warden: Warden) => Promise<T>): Promise<T> {
  const warden = await connectWarden({ url: wardenUrl(), security: hubSecurity() });
  try {
    return await act(warden);
  } catch (cause) {
    if (!(cause instanceof WardenError)) throw cause;
    throw new CommandLineError(`Not done: ${cause.message}.`, { cause });
  } finally {
    await warden.close();
  }
}
