/**
 * Takes backends' requests from the bus into the mailbox. What can be answered from the store alone is answered here;
 * a command's id is looked up in the ledger first, so that asking again is answered alike on any node, after any restart.
 */
import type { ReplyAddress } from '../../actors/twin.ts';
import { encodeFailure, encodeRefusal, encodeReply } from '../wire/reply.ts';
import { isId } from '../wire/report.ts';
import { type ReadRequest, readCommand, readDesired, readGet, readLedger } from '../wire/request.ts';
import type { Mailbox, Work } from './mailbox.ts';
import type { BackendRequest, Bus, Clock, Store } from './ports.ts';
import type { Traces } from './traces.ts';

/** What the handler of requests is given. */
export interface RequestsOptions {
  readonly bus: Bus;
  readonly store: Store;
  readonly clock: Clock;
  readonly mailbox: Mailbox;
  readonly traces: Traces;
  /** False once the lease may have run out: then this node must not answer. */
  readonly mayAnswer: () => boolean;
}

/** Makes the handler of backends' requests. */
export function requestHandler(options: RequestsOptions): (request: BackendRequest) => void {
  return (request) => {
    if (!isId(request.device)) {
      refuse(options, request, {
        detail: `a device id is one token of letters, digits, - and _: ${request.device}`,
        id: null,
      });
      return;
    }
    handle(options, request).catch((error: unknown) => {
      const because = error instanceof Error ? error.message : String(error);
      fail(options, request.replyTo, `the store could not be asked: ${because}`);
    });
  };
}

async function handle(options: RequestsOptions, request: BackendRequest): Promise<void> {
  const { device, operation, payload, replyTo } = request;
  switch (operation.type) {
    case 'get': {
      const read = readGet(payload);
      if (checked(options, request, read)) offer(options, { type: 'get', device, replyTo });
      return;
    }
    case 'ledger': {
      const read = readLedger(payload);
      if (checked(options, request, read)) await answerFromLedger(options, request, read.body.id);
      return;
    }
    case 'desired': {
      const read = readDesired(payload);
      if (checked(options, request, read))
        offer(options, { type: 'desired', device, request: { ...read.body, replyTo } });
      return;
    }
    case 'command': {
      const read = readCommand(payload);
      if (!checked(options, request, read)) return;
      const { id, args, waitMs, ifVersion, by } = read.body;
      if (request.trace !== null) options.traces.remember(device, id, request.trace);
      const waitUntil = options.clock.now() + waitMs;
      const known = await options.store.ledgerEntry(device, id);
      const command = { id, name: operation.name, args, waitUntil, ifVersion, by, replyTo };
      offer(options, { type: 'command', device, request: command, known });
    }
  }
}

async function answerFromLedger(
  options: RequestsOptions,
  request: BackendRequest,
  id: string,
): Promise<void> {
  const { device, replyTo } = request;
  const entry = await options.store.ledgerEntry(device, id);
  const detail = `no command with the id ${id} was accepted for ${device}: it was certainly not sent`;
  const reply =
    entry === null
      ? encodeRefusal({ id, code: 'unknown-id', detail, state: null, allowed: [] }, replyTo.encoding)
      : encodeReply({ type: 'ledger', entry }, replyTo.encoding);
  options.bus.reply(replyTo, reply.payload, reply.error);
}

function checked<Body>(
  options: RequestsOptions,
  request: BackendRequest,
  read: ReadRequest<Body>,
): read is Extract<ReadRequest<Body>, { ok: true }> {
  if (!read.ok) refuse(options, request, read);
  return read.ok;
}

function refuse(
  { bus }: RequestsOptions,
  { replyTo }: BackendRequest,
  problem: { readonly detail: string; readonly id: string | null },
): void {
  const { id, detail } = problem;
  const reply = encodeRefusal(
    { id, code: 'bad-arguments', detail, state: null, allowed: [] },
    replyTo.encoding,
  );
  bus.reply(replyTo, reply.payload, reply.error);
}

function offer(options: RequestsOptions, work: Extract<Work, { type: 'command' | 'desired' | 'get' }>): void {
  const replyTo = work.type === 'get' ? work.replyTo : work.request.replyTo;
  if (!options.mayAnswer()) fail(options, replyTo, 'this node is not sure to own the device any more');
  else if (!options.mailbox.offerRequest(work))
    fail(options, replyTo, 'too many requests are waiting on this node');
}

/** Tells a backend that nobody decided on its request. */
export function fail({ bus }: Pick<RequestsOptions, 'bus'>, to: ReplyAddress, detail: string): void {
  const reply = encodeFailure('unavailable', `${detail}; nothing was sent, ask again`, to.encoding);
  bus.reply(to, reply.payload, reply.error);
}
