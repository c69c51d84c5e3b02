/**
 * The device belongs to another site: the inventory says so, which is the one authority. What is sent to it goes there from now on, and
 * only that site may speak as it.
 */
import type { Draft } from './draft.ts';
import { journal } from './settle.ts';

/** Follows the inventory. */
export function moveToSite(draft: Draft, site: string): void {
  const { twin } = draft;
  if (twin.site === site) return;
  const detail = `the inventory has moved it from site ${twin.site} to site ${site}`;
  twin.site = site;
  journal(draft, { type: 'engineer', detail });
}
