/**
 * One round of a bench, in a process of its own: drains the stream into a database, and says how it went. The process
 * that ordered it looks at the servers meanwhile.
 */

/** What is drained, from where to where. */
export interface RoundOrder {
  readonly side: Side;
  /** The hub, with the credentials of the runtime. */
  readonly natsUrl: string;
  readonly postgresUrl: string;
  /** The round ends when so many reports are committed. */
  readonly reports: number;
  /** Reports of each batch, for the floor, which has no reason of its own to cut batches anywhere. */
  readonly batches: readonly number[];
}

/**
 * `runtime`: a node with its twins. `floor`: the same messages into the same tables, and nothing in between. `web`: a web
 * application that commits each report by itself.
 */
export type Side = 'runtime' | 'floor' | 'web';

/** Rows written. */
export interface Rows {
  readonly report: number;
  readonly twin: number;
  readonly transition: number;
  readonly lease: number;
  /** Of any other table. */
  readonly other: number;
}

/** What a round says on its way: from the first message to the last commit. */
export type RoundNews =
  /** The web application takes reports. */
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'began' }
  | {
      readonly type: 'ended';
      readonly ms: number;
      /** CPU time of the process, µs. */
      readonly cpuMicros: number;
      readonly rows: Rows;
      /** Reports of each transaction. */
      readonly batches: readonly number[];
    };

/** Takes the time of a round. */
export class RoundTimer {
  readonly #tell: (news: RoundNews) => void;
  readonly #reports: number;
  readonly #batches: number[] = [];
  readonly #rows = { report: 0, twin: 0, transition: 0, lease: 0, other: 0 };
  #began: { readonly at: number; readonly cpu: NodeJS.CpuUsage } | null = null;
  #isOver = false;

  constructor(reports: number, tell: (news: RoundNews) => void) {
    this.#reports = reports;
    this.#tell = tell;
  }

  /** A message has arrived. */
  arrived(): void {
    if (this.#began !== null) return;
    this.#began = { at: performance.now(), cpu: process.cpuUsage() };
    this.#tell({ type: 'began' });
  }

  /** A transaction is committed. What follows the last report no longer counts. */
  committed(rows: Rows): void {
    if (this.#isOver || this.#began === null) return;
    this.#batches.push(rows.report);
    for (const table of Object.keys(this.#rows) as (keyof Rows)[]) this.#rows[table] += rows[table];
    if (this.#rows.report < this.#reports) return;
    this.#isOver = true;
    const { user, system } = process.cpuUsage(this.#began.cpu);
    const ms = performance.now() - this.#began.at;
    const { ...rowsInAll } = this.#rows;
    this.#tell({ type: 'ended', ms, cpuMicros: user + system, rows: rowsInAll, batches: this.#batches });
  }
}
