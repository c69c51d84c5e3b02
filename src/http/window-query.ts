/**
 * What a device was in a window of measured time is asked for alike, whatever it is that is told of it: page by page, and
 * without `from` or `to` as far as history reaches.
 */
import { type TInteger, type TObject, type TOptional, type TString, Type } from '@sinclair/typebox';
import type { TimelineWindow } from '../../actors/timeline.ts';
import { checkWindow, limitParameter, readTime, timeParameter } from './page.ts';

/** How many a page holds unless asked otherwise, and at most. */
const LIMIT_DEFAULT = 1_000;
const LIMIT_MAX = 10_000;

/** The query; `what` says what a page holds. {@link readWindow} reads its window. */
export function windowQuery(what: string): TObject<{
  from: TOptional<TString>;
  to: TOptional<TString>;
  cursor: TOptional<TString>;
  limit: TInteger;
}> {
  return Type.Object(
    {
      from: timeParameter('begin of the window; without it, the oldest report kept'),
      to: timeParameter('end of the window; without it, the newest report'),
      cursor: Type.Optional(Type.String({ description: '`cursor` of the page before' })),
      limit: limitParameter({ what, byDefault: LIMIT_DEFAULT, most: LIMIT_MAX }),
    },
    { additionalProperties: false },
  );
}

/** The window that a query asks for. Throws `bad-query` for a time that is none, and for a window that holds nothing. */
export function readWindow(query: { readonly from?: string; readonly to?: string }): TimelineWindow {
  const window = { from: readTime('from', query.from), to: readTime('to', query.to) };
  checkWindow(window.from, window.to);
  return window;
}
