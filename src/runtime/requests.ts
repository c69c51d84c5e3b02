/**
 * Takes backends' requests from the bus into the mailbox, those of a device in the order in which they came. A command's id is
 * looked up in the ledger first, so that asking again is answered alike on any node, after any restart. Where the store cannot be
 * asked, what the twin remembers answers all the same; of what it does not remember nothing is said but that this copy was not accepted.
 */
import type { ReplyAddress } from '../../actors/twin.ts';
import { encodeRefusal, encodeUnavailable } from '../wire/reply.ts';
import { isId } from '../wire/report.ts';
import {
  type ReadRequest,
  readCommand,
  readDesired,
  readForget,
  readGet,
  readLedger,
} from '../wire/request.ts';
import { type Known, type Mailbox, replyAddress, type RequestWork } from './mailbox.ts';
import type { BackendRequest, Bus, Clock, Store } from './ports.ts';
import type { Traces } from './traces.ts';

/** What the handler of requests is given. */
export interface RequestsOptions {
  readonly bus: Bus;
  readonly store: Store;
  readonly clock: Clock;
  readonly mailbox: Mailbox;
  readonly traces: Traces;
  /** Whether the twin of a device knows of a command under this id, decided or not. */
  readonly remembers: (device: string, id: string) => boolean;
  /** False once the lease may have run out: then this node must not answer. */
  readonly mayAnswer: () => boolean;
}

/** Makes the handler of backends' requests. */
export function requestHandler(options: RequestsOptions): (request: BackendRequest) => void {
  // What a ledger says depends on what was asked before: a look into the store may take longer than a later one.
  const queueByDevice = new Map<string, Promise<void>>();
  return (request) => {
    const { device, operation, replyTo } = request;
    if (!isId(device)) {
      refuse(options, request, {
        detail: `a device id is one token of letters, digits, - and _: ${device}`,
        id: null,
      });
      return;
    }
    const question = questionOf(options, request);
    if (question === null) return;
    const bytes = request.payload.length;
    if (!options.mailbox.admit(bytes)) {
      fail(options, operation.type, replyTo, 'too many requests are waiting on this node');
      return;
    }
    const before = queueByDevice.get(device);
    if (before === undefined && question.id === null) {
      offer(options, question.work(null), bytes);
      return;
    }
    const turn = Promise.all([question.id === null ? null : lookUp(options, device, question.id), before])
      .then(([known]) => {
        const { id } = question;
        if (!(known instanceof Error) || (id !== null && options.remembers(device, id))) {
          offer(options, question.work(known), bytes);
          return;
        }
        options.mailbox.dismiss(bytes);
        fail(options, operation.type, replyTo, `the store could not be asked: ${known.message}`);
      })
      .finally(() => {
        if (queueByDevice.get(device) === turn) queueByDevice.delete(device);
      });
    queueByDevice.set(device, turn);
  };
}

/** Never rejects. */
async function lookUp({ store }: RequestsOptions, device: string, id: string): Promise<Known> {
  try {
    return await store.ledgerEntry(device, id);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** A request that was read. */
interface Question {
  /** The command whose entry in the store it has to be decided with, or `null`. */
  readonly id: string | null;
  readonly work: (known: Known) => RequestWork;
}

/** What is asked; `null` when it could not be read, and was refused. */
function questionOf(options: RequestsOptions, request: BackendRequest): Question | null {
  const { device, asker, operation, payload, replyTo } = request;
  switch (operation.type) {
    case 'get': {
      const read = readGet(payload);
      if (!checked(options, request, read)) return null;
      return { id: null, work: () => ({ type: 'get', device, replyTo }) };
    }
    case 'ledger': {
      const read = readLedger(payload);
      if (!checked(options, request, read)) return null;
      const { id } = read.body;
      return { id, work: (known) => ({ type: 'ledger', device, id, known, replyTo }) };
    }
    case 'desired': {
      const read = readDesired(payload);
      if (!checked(options, request, read)) return null;
      return { id: null, work: () => ({ type: 'desired', device, request: { ...read.body, replyTo } }) };
    }
    case 'forget': {
      const read = readForget(payload);
      if (!checked(options, request, read)) return null;
      const word = { asker, ...read.body };
      return { id: null, work: () => ({ type: 'forget', device, word, replyTo }) };
    }
    case 'command': {
      const read = readCommand(payload);
      if (!checked(options, request, read)) return null;
      const { id, args, waitMs, ifVersion, by } = read.body;
      if (request.trace !== null) options.traces.remember(device, id, request.trace);
      const waitUntil = options.clock.now() + waitMs;
      const command = { id, name: operation.name, args, waitUntil, ifVersion, by, asker, replyTo };
      return { id, work: (known) => ({ type: 'command', device, request: command, known }) };
    }
  }
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

function offer(options: RequestsOptions, work: RequestWork, bytes: number): void {
  const replyTo = replyAddress(work);
  if (!options.mayAnswer()) {
    options.mailbox.dismiss(bytes);
    fail(options, work.type, replyTo, 'this node is not sure to own the device any more');
  } else if (!options.mailbox.offerRequest(work, bytes)) {
    fail(options, work.type, replyTo, 'this node is being stopped');
  }
}

/** Tells a backend that its request was not decided on. */
export function fail(
  { bus }: Pick<RequestsOptions, 'bus'>,
  operation: RequestWork['type'],
  to: ReplyAddress,
  because: string,
): void {
  const reply = encodeUnavailable(operation, because, to.encoding);
  bus.reply(to, reply.payload, reply.error);
}
