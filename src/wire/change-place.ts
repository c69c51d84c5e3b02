/**
 * Places in the stream CHANGES, as whoever reads it keeps them: the id of an event over HTTP, and where a watch goes on. A number alone
 * is no place: after the stream was made anew, or has lost its tail, the same number stands for something else.
 */

/** A place: everything up to it was read. */
export interface ChangePlace {
  /**
   * Which stream of the name `sequence` counts in: a word that no other one ever has (when its server says that it was made). `null` in
   * a place that was kept by its number alone: then it is taken to be of the stream that is there, unless that ends before it.
   */
  readonly made: string | null;
  readonly sequence: number;
  /**
   * When the message in which it stands was stored, ms epoch by the hub's clock: where another one stands there, the stream has lost its
   * tail. Absent in a place at which no message was read, and then only a stream that ends before it is noticed.
   */
  readonly storedAt?: number | undefined;
}

/** `<made>-<sequence>@<storedAt>`; what is before the last hyphen is not looked into. */
const PLACE = /^(?:([\x21-\x7e]{1,64})-)?(\d{1,16})(?:@(\d{1,16}))?$/;

/** A place as it is kept. */
export function placeText({ made, sequence, storedAt }: ChangePlace): string {
  const where = storedAt === undefined ? String(sequence) : `${String(sequence)}@${String(storedAt)}`;
  return made === null ? where : `${made}-${where}`;
}

/** What was kept; `null` when it is no place. */
export function readPlace(text: string): ChangePlace | null {
  const match = PLACE.exec(text);
  const sequence = Number(match?.[2]);
  const storedAt = match?.[3] === undefined ? undefined : Number(match[3]);
  if (match === null || !Number.isSafeInteger(sequence) || !Number.isSafeInteger(storedAt ?? 0)) return null;
  return { made: match[1] ?? null, sequence, ...(storedAt !== undefined && { storedAt }) };
}
