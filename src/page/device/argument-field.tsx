/**
 * The field for one argument of a command, as its schema says.
 */
import type { VNode } from 'preact';
import type { ArgumentSchema } from '../api/kinds.ts';

/** A field; `onChange` is given `undefined` when it is empty. */
export function ArgumentField({
  name,
  schema,
  isRequired,
  onChange,
}: {
  readonly name: string;
  readonly schema: ArgumentSchema;
  readonly isRequired: boolean;
  readonly onChange: (value: unknown) => void;
}): VNode {
  const { type, minimum, maximum, maxLength, description } = schema;
  if (type === 'boolean') {
    return (
      <label title={description}>
        <input type="checkbox" onChange={({ currentTarget: { checked } }) => onChange(checked)} />
        {name}
      </label>
    );
  }
  const field = { required: isRequired, autocomplete: 'off' } as const;
  return (
    <label title={description}>
      {name}
      {type === 'integer' || type === 'number' ? (
        <input
          {...field}
          type="number"
          min={minimum}
          max={maximum}
          step={type === 'number' ? 'any' : 1}
          onInput={({ currentTarget: { value } }) => onChange(value === '' ? undefined : Number(value))}
        />
      ) : (
        <input
          {...field}
          type="text"
          maxLength={maxLength}
          onInput={({ currentTarget: { value } }) => onChange(value === '' ? undefined : value)}
        />
      )}
    </label>
  );
}
