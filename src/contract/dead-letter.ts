/** A message that could not be read. */
import { Type } from '@sinclair/typebox';
import { Time, type Told } from './schema.ts';

/** Without the number that it gets in the journal. */
export const DeadLetterSchema = Type.Object({
  partition: Type.Integer({ description: 'of the subject it came on' }),
  site: Type.String({ description: 'that the broker vouches for' }),
  device: Type.String({ description: 'the device token of the subject, whatever it was' }),
  stream: Type.String({ description: 'that keeps it: the one of its site' }),
  sequence: Type.Integer({ description: 'in that stream, under which its bytes are found' }),
  receivedAt: Time('when the hub stored it'),
  reason: Type.String({ description: 'stable, in kebab-case' }),
  detail: Type.String({ description: 'what was wrong and what would be right' }),
  bytes: Type.Integer(),
});
export type DeadLetter = Told<typeof DeadLetterSchema>;

/** A dead letter with its number in the journal of its partition: as `deadletter.<reason>.<partition>` and in the archive. */
export const NumberedDeadLetterSchema = Type.Object({
  ...DeadLetterSchema.properties,
  no: Type.Integer({ description: 'journal number: grows within the partition' }),
});
export type NumberedDeadLetter = Told<typeof NumberedDeadLetterSchema>;
