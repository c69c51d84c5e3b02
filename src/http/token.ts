/**
 * Tokens and their names. The name is what stands in the ledger as who asked, so it belongs to one token, and a token to one name.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

/** A token, and what its holder is called wherever something is done with it. */
export interface NamedToken {
  readonly name: string;
  readonly token: string;
}

/** A token has at least this many characters: `openssl rand -hex 24` draws a good one. */
export const TOKEN_LENGTH_MIN = 16;

/** The alphabet of tokens (RFC 6750, 2.1); it has no colon, so a name before one is told from the token. */
const TOKEN = /^[A-Za-z0-9._~+/=-]+$/;
const NAMED = /^(?:([A-Za-z0-9_-]{1,64}):)?([^:]*)$/;

/** So many digits of its digest name a token that was given no name. */
const DIGEST_DIGITS = 8;

/** Reads `token` or `name:token`; `null` when it is neither. */
export function readToken(text: string): NamedToken | null {
  const [, name, token = ''] = NAMED.exec(text) ?? [];
  if (token.length < TOKEN_LENGTH_MIN || !TOKEN.test(token)) return null;
  return { name: name ?? `token-${digestOf(token).toString('hex').slice(0, DIGEST_DIGITS)}`, token };
}

/** Why these tokens cannot be told apart by their names, in a sentence; `null` when they can. The same one twice is no harm. */
export function namesakes(tokens: readonly NamedToken[]): string | null {
  const tokensByName = new Map<string, string>();
  const namesByToken = new Map<string, string>();
  for (const { name, token } of tokens) {
    if ((tokensByName.get(name) ?? token) !== token)
      return `two tokens are named "${name}"; each needs a name of its own`;
    const other = namesByToken.get(token) ?? name;
    if (other !== name)
      return `one token is named both "${other}" and "${name}"; give each a token of its own`;
    tokensByName.set(name, token);
    namesByToken.set(token, name);
  }
  return null;
}

/** Finds tokens. */
export interface TokenTable {
  /** The name of a token, or `null` for one that is not among them. Compares with every one, found or not. */
  nameOf(token: string): string | null;
}

/** A table of tokens. Only their digests are kept: of one length, so that comparing them tells nothing by how long it takes. */
export function tokenTable(tokens: readonly NamedToken[]): TokenTable {
  const known = tokens.map(({ name, token }) => ({ name, digest: digestOf(token) }));
  return {
    nameOf: (token) => {
      const digest = digestOf(token);
      return known.reduce<string | null>(
        (found, one) => (timingSafeEqual(one.digest, digest) ? one.name : found),
        null,
      );
    },
  };
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
