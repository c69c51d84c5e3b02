/** What an agent tells whoever runs it: for logs, progress and tests. Nothing depends on anybody listening. */
import type { Command } from '../../machines/command.ts';
import type { Report } from '../../machines/report.ts';
import type { Reception } from './reception.ts';

/** Something that happened in an agent. */
export type AgentEvent =
  /** A boot began; `unreadable` entries of the storage were skipped. */
  | { readonly type: 'started'; readonly boot: number; readonly pending: number; readonly unreadable: number }
  /** A report was made and stored. */
  | { readonly type: 'report'; readonly report: Report }
  /** A command was checked. For `begun`, its end follows in `executed`. */
  | {
      readonly type: 'command';
      readonly command: Command;
      readonly became: Reception['type'];
      readonly reason: string | null;
    }
  | {
      readonly type: 'executed';
      readonly command: Command;
      readonly outcome: string;
      readonly reason: string | null;
    }
  /** What became of an undecided command has become known. */
  | { readonly type: 'amended'; readonly command: Command; readonly outcome: string }
  /** The body threw: it has not said what became of the command; `null` where it was told that a hold has ended. */
  | { readonly type: 'body-failed'; readonly command: Command | null; readonly error: unknown }
  | { readonly type: 'command-unreadable'; readonly detail: string }
  /** A command was lost because too many waited. */
  | { readonly type: 'command-lost' }
  | { readonly type: 'hold-ended'; readonly id: string }
  | { readonly type: 'published'; readonly reports: number; readonly bytes: number }
  | { readonly type: 'publish-failed'; readonly error: unknown }
  /** Reports were dropped because the outbox was full. */
  | { readonly type: 'dropped'; readonly reports: number };

/** Takes events; it must not throw. */
export type AgentListener = (event: AgentEvent) => void;
