/**
 * What a payload may hold. Its bytes alone do not bound what it costs to read: a megabyte may be a million empty maps, each of which
 * is made and looked through. So values are counted in the bytes, before anything is made of them.
 *
 * Each value in a map or list counts as one, and an empty map or list as one more. Keys do not count: each has a value.
 */

/** The deepest nesting that is read; deeper payloads are refused as `too-deep`. */
export const DEPTH_MAX = 16;

/** The most values of a message: a report, a request. With more it is refused as `too-many-values`; a report of 256 parts has 1,300. */
export const VALUES_MAX = 4_096;

/**
 * The most values of a list of messages, such as a frame, all together. With more it is refused whole as `too-many-values`. 5,000
 * reports of 40 values have as many; of those that a megabyte has room for, most have fewer.
 */
export const LIST_VALUES_MAX = 200_000;

/** How much a payload may hold. */
export interface DecodeLimits {
  readonly depthMax: number;
  /** Of a map, and of each item of a list. */
  readonly valuesMax: number;
  /** Of a list with all its items. */
  readonly listValuesMax: number;
}

/** Of what devices and backends send. */
export const MESSAGE_LIMITS: DecodeLimits = {
  depthMax: DEPTH_MAX,
  valuesMax: VALUES_MAX,
  listValuesMax: LIST_VALUES_MAX,
};

/**
 * Of what twins say. What was read as a part of something else stands deeper in a page of documents, and a document holds what came
 * in many messages: how much that is was bounded when it came.
 */
export const REPLY_LIMITS: DecodeLimits = {
  depthMax: DEPTH_MAX + 4,
  valuesMax: Infinity,
  listValuesMax: Infinity,
};

/** What is wrong with the bytes of a payload. */
export interface ScanFlaw {
  readonly problem: 'too-deep' | 'too-many-values' | 'malformed' | 'not-plain-data';
  readonly detail: string;
}

/** Nested deeper than the limit. */
export const TOO_DEEP: ScanFlaw = { problem: 'too-deep', detail: 'nested deeper than may be kept' };

/** Refuses a payload with more values than `limits` allow. */
export function tooManyValues({ valuesMax, listValuesMax }: DecodeLimits): ScanFlaw {
  const detail = `a message may hold ${String(valuesMax)} values, and all of a list together ${String(listValuesMax)}: leave out what nobody needs, or send several`;
  return { problem: 'too-many-values', detail };
}
