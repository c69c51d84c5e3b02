/** A message as it stands in a stream. */
export interface StreamMessage {
  readonly sequence: number;
  /** When the stream stored it, ms epoch. */
  readonly storedAt: number;
  readonly subject: string;
  readonly payload: Uint8Array;
}
