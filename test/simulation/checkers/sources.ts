import { worldState } from '../../../machines/statechart.ts';
import { kiosk } from '../../../machines/kiosk.ts';
import type { FeedWords } from '../world/feed.ts';
import type { Evidence } from '../world/evidence.ts';
import type { Checker, Flaw } from './checker.ts';

/** Clocks of servers may differ by so much, and times are rounded, ms. */
const MARGIN_MS = 1_000;
/** Why a device that somebody speaks for may be doubted there: what is found about its source is no fault of its own. */
const OWN_DOUBTS: readonly string[] = ['source-away'];

/** What happens to a source is told apart from what happens to its devices. */
export const sources: Checker = {
  name: 'sources',
  sentence:
    'a device that a source speaks for is offline only where the source was heard after its time was up, it is doubted only because its source is away, and it is right in the end; what its source says is believed of the present session alone, of no old list, and of nobody who was not heard since; when both are silent, the source is offline and its devices are not',
  check: (evidence) => {
    const { feedWords } = evidence;
    if (feedWords === null) return [];
    return [
      ...offlineTooSoon(evidence, feedWords),
      ...blamed(evidence, feedWords),
      ...wrongInExam(evidence),
      ...wrongInTheEnd(evidence, feedWords),
      ...wrongInSilence(evidence, feedWords),
    ];
  },
};

/** What the hub or the store has lost was heard by some and is not there: such worlds say nothing of silences. */
function offlineTooSoon({ record }: Evidence, { feed, sockets, arrivals }: FeedWords): readonly Flaw[] {
  if (record.hubLosses.length > 0 || record.setBacks.length > 0) return [];
  const ofFeed = arrivals.get(feed) ?? [];
  return record.commits.flatMap(({ at, commit }) =>
    commit.journal.flatMap((line): readonly Flaw[] => {
      if (line.type !== 'transition' || !sockets.includes(line.transition.device)) return [];
      const { device, to, recordedAt } = line.transition;
      if (worldState(to) !== 'offline') return [];
      const heardAt = (arrivals.get(device) ?? []).findLast((time) => time <= recordedAt + MARGIN_MS) ?? 0;
      const dueAt = heardAt + kiosk.limits.silenceMs;
      if (ofFeed.some((time) => time >= dueAt - MARGIN_MS && time <= at + MARGIN_MS)) return [];
      return [
        { at, device, text: `it is offline, and ${feed} was not heard since its time was up at ${dueAt}` },
      ];
    }),
  );
}

function blamed({ record }: Evidence, { sockets }: FeedWords): readonly Flaw[] {
  return record.commits.flatMap(({ at, commit }) =>
    commit.twins
      .filter(({ device }) => sockets.includes(device))
      .flatMap(({ device, suspicions }) =>
        suspicions
          .filter(({ reason }) => !OWN_DOUBTS.includes(reason))
          .map(({ reason, detail }) => ({ at, device, text: `it is doubted: ${reason}, ${detail}` })),
      ),
  );
}

function wrongInExam({ sourceAnswers }: Evidence): readonly Flaw[] {
  return sourceAnswers.flatMap(({ at, device, what, wanted, found }): readonly Flaw[] => {
    if (found?.state === wanted.state && found.doubt === wanted.doubt) return [];
    const text = `${what}: it is ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`;
    return [{ at, device, text }];
  });
}

function wrongInTheEnd(
  { endedAt: at }: Evidence,
  { feed, sockets, last, twins }: FeedWords,
): readonly Flaw[] {
  return [feed, ...sockets].flatMap((device) => {
    const twin = twins.get(device);
    const said = last.get(device);
    const doubt = twin?.via?.doubt ?? null;
    const isRight = twin?.suspicions.length === 0 && doubt === null;
    if (isRight && worldState(twin.path) === said) return [];
    const doubts = [...(twin?.suspicions.map(({ detail }) => detail) ?? ['never heard']), doubt].join('; ');
    return [{ at, device, text: `${said} was said of it last, and its twin says ${twin?.path} (${doubts})` }];
  });
}

function wrongInSilence(
  { feedSilence, endedAt: at }: Evidence,
  { feed, sockets }: FeedWords,
): readonly Flaw[] {
  const wanted = (device: string): string => (device === feed ? 'offline' : 'suspect');
  return [feed, ...sockets]
    .filter((device) => feedSilence.get(device) !== wanted(device))
    .map((device) => ({
      at,
      device,
      text: `nothing of it was heard any more, and it is ${feedSilence.get(device)} instead of ${wanted(device)}`,
    }));
}
