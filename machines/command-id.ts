/**
 * The ids of commands. Callers write a UUID in any case, and it names one command: everywhere it is kept, and compared, in lower case. What is
 * no UUID, such as the id of a command of a twin's own, is as it is.
 */

/** What a caller may name a command by. */
export const UUID_PATTERN = '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
const uuidPattern = new RegExp(UUID_PATTERN);

/** True for a UUID, in any case. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}

/** The id as it stands in the ledger, however it was written. */
export function commandId(text: string): string {
  return isUuid(text) ? text.toLowerCase() : text;
}
