/**
 * Sends commands with the token that the user has entered. What would be refused now is not offered, and says why.
 */
import type { VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { CommandVerdict } from '../api/explanation.ts';
import type { CommandKind } from '../api/kinds.ts';
import { ApiProblem, ask } from '../api/request.ts';
import { token } from '../api/token.ts';
import { sentenceOf } from '../shell/failure.tsx';
import { ArgumentField } from './argument-field.tsx';

/** How it went. */
type Sending =
  | { readonly type: 'idle' }
  | { readonly type: 'sending'; readonly name: string }
  | { readonly type: 'accepted'; readonly name: string }
  | { readonly type: 'refused'; readonly sentence: string }
  /** Nobody answered: it may have been accepted. Sent again under the same id it is never executed twice. */
  | { readonly type: 'unanswered'; readonly order: Order }
  /** The same, and when it was asked again that copy was not accepted. The first one may have been. */
  | { readonly type: 'not-again'; readonly order: Order; readonly sentence: string };

interface Order {
  readonly id: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly by: string;
}

const BY_KEY = 'corral.by';

/** The commands of the device's kind. */
export function CommandSender({
  device,
  verdicts,
  kinds,
  doubt,
  onSent,
}: {
  readonly device: string;
  readonly verdicts: readonly CommandVerdict[];
  readonly kinds: readonly CommandKind[];
  /** Why nothing is known to be true any more; `null` while it is. */
  readonly doubt: string | null;
  readonly onSent: () => void;
}): VNode {
  const [sending, setSending] = useState<Sending>({ type: 'idle' });
  const [by, setBy] = useState(() => sessionStorage.getItem(BY_KEY) ?? '');
  const send = async (order: Order, isAgain = false): Promise<void> => {
    setSending({ type: 'sending', name: order.name });
    try {
      await ask(`/v1/devices/${encodeURIComponent(device)}/commands`, { method: 'POST', body: order });
      setSending({ type: 'accepted', name: order.name });
    } catch (error) {
      setSending(afterFailure(error, order, isAgain));
    }
    onSent();
  };
  const isAllowed = token() !== null;
  return (
    <div class="sender">
      {doubt !== null && <NoneNow />}
      {doubt === null && !isAllowed && (
        <p class="soft">
          To send commands, enter a token for operating at the top. Everything can be seen without one.
        </p>
      )}
      {doubt === null && isAllowed && <Name by={by} onChange={setBy} />}
      {doubt === null && (
        <ul class="verdicts">
          {verdicts.map((verdict) => (
            <Verdict
              key={verdict.name}
              verdict={verdict}
              kind={kinds.find(({ name }) => name === verdict.name) ?? null}
              isAllowed={isAllowed && sending.type !== 'sending'}
              onSend={(args) =>
                void send({
                  id: newId(),
                  name: verdict.name,
                  args,
                  by: by.trim() === '' ? 'page' : by.trim(),
                })
              }
            />
          ))}
        </ul>
      )}
      <Progress sending={sending} onAgain={(order) => void send(order, true)} />
    </div>
  );
}

function NoneNow(): VNode {
  return (
    <p class="as-known-then">
      Corral cannot be asked now: which commands would be accepted, and what became of those below, nobody
      here knows.
    </p>
  );
}

function Name({ by, onChange }: { readonly by: string; readonly onChange: (by: string) => void }): VNode {
  return (
    <label class="by">
      your name, for the ledger
      <input
        value={by}
        maxLength={64}
        autocomplete="username"
        onInput={({ currentTarget: { value } }) => {
          onChange(value);
          sessionStorage.setItem(BY_KEY, value);
        }}
      />
    </label>
  );
}

/**
 * What follows for the command: what the node says of it, and where nobody says anything that it may have been accepted. That one copy was
 * not accepted, or was refused, says nothing of the one before, which got no answer: that may still be on its way.
 */
function afterFailure(error: unknown, order: Order, isAgain: boolean): Sending {
  switch (error instanceof ApiProblem ? error.acceptance : null) {
    case 'yes':
      return { type: 'accepted', name: order.name };
    case 'no':
    case 'not-this-copy':
      return isAgain
        ? { type: 'not-again', order, sentence: sentenceOf(error) }
        : { type: 'refused', sentence: sentenceOf(error) };
    default:
      return { type: 'unanswered', order };
  }
}

function Progress({
  sending,
  onAgain,
}: {
  readonly sending: Sending;
  readonly onAgain: (order: Order) => void;
}): VNode {
  return (
    <p role="status" class="sending">
      {sending.type === 'sending' && `Sending ${sending.name}…`}
      {sending.type === 'accepted' && `${sending.name} was accepted. What became of it appears below.`}
      {sending.type === 'refused' && `Refused, and certainly not sent: ${sending.sentence}`}
      {(sending.type === 'unanswered' || sending.type === 'not-again') && (
        <>
          {sending.type === 'not-again' && `This time it was not accepted: ${sending.sentence}. `}
          {sending.type === 'not-again' ? 'The first time nobody answered' : 'Nobody answered'}, so{' '}
          {sending.order.name} may or may not have been accepted.{' '}
          <button type="button" onClick={() => onAgain(sending.order)}>
            Ask again with the same id
          </button>
        </>
      )}
    </p>
  );
}

function Verdict({
  verdict,
  kind,
  isAllowed,
  onSend,
}: {
  readonly verdict: CommandVerdict;
  readonly kind: CommandKind | null;
  readonly isAllowed: boolean;
  readonly onSend: (args: Readonly<Record<string, unknown>>) => void;
}): VNode {
  const [args, setArgs] = useState<Readonly<Record<string, unknown>>>({});
  const form = useRef<HTMLFormElement>(null);
  const { name, accepted } = verdict;
  const isEnabled = accepted && isAllowed;
  const fields = Object.entries(kind?.args.properties ?? {});
  return (
    <li>
      <form
        ref={form}
        onSubmit={(event) => {
          event.preventDefault();
          if (isEnabled && form.current?.reportValidity() === true) onSend(args);
        }}
      >
        <button
          type="submit"
          // It stays in the order of focus: why it is refused has to be found with the keyboard as well.
          aria-disabled={!isEnabled}
          aria-describedby={`verdict-${name}`}
          title={kind?.description}
        >
          {name}
        </button>
        <span id={`verdict-${name}`} class={accepted ? 'soft' : 'refusal'}>
          {verdictText(verdict, kind)}
        </span>
        {isEnabled && fields.length > 0 && (
          <div class="arguments">
            {fields.map(([argument, schema]) => (
              <ArgumentField
                key={argument}
                name={argument}
                schema={schema}
                isRequired={kind?.args.required?.includes(argument) === true}
                onChange={(value) => setArgs((old) => withArgument(old, argument, value))}
              />
            ))}
          </div>
        )}
      </form>
    </li>
  );
}

/** What would be sent at once is told by what it does; all else by what would become of it. */
function verdictText(
  { name, accepted, sent, code, sentence }: CommandVerdict,
  kind: CommandKind | null,
): string {
  const isSent = accepted && sent && code === null;
  return isSent && kind !== null ? kind.description : withoutName(sentence, name);
}

/** The sentence stands beside the button with the name. */
function withoutName(sentence: string, name: string): string {
  const rest = sentence.startsWith(`${name} `) ? sentence.slice(name.length + 1) : sentence;
  return rest.charAt(0).toUpperCase() + rest.slice(1);
}

function withArgument(
  args: Readonly<Record<string, unknown>>,
  name: string,
  value: unknown,
): Readonly<Record<string, unknown>> {
  const others = Object.fromEntries(Object.entries(args).filter(([other]) => other !== name));
  return value === undefined ? others : { ...others, [name]: value };
}

/** A UUID; `crypto.randomUUID` is only there where the page came over TLS or from this machine. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const text = [...bytes]
    .map((byte, index) => {
      if (index === 6) return (byte & 0x0f) | 0x40;
      return index === 8 ? (byte & 0x3f) | 0x80 : byte;
    })
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
