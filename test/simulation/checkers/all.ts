/** Every property that a world is judged by. */
import { acceptance } from './acceptance.ts';
import { allowed } from './allowed.ts';
import { calm } from './calm.ts';
import { certainlyNot } from './certainly-not.ts';
import { conclusions } from './conclusions.ts';
import { counts } from './counts.ts';
import { documents } from './documents.ts';
import { deaf } from './deaf.ts';
import { decided } from './decided.ts';
import type { Checker } from './checker.ts';
import { clockBounds } from './clock-bounds.ts';
import { epochs } from './epochs.ts';
import { execution } from './execution.ts';
import { forgotten } from './forgotten.ts';
import { freshness } from './freshness.ts';
import { history } from './history.ts';
import { holdEnd } from './hold-end.ts';
import { journalTimes } from './journal-times.ts';
import { knownState } from './known-state.ts';
import { lastContact } from './last-contact.ts';
import { leaps } from './leaps.ts';
import { lyingClock } from './lying-clock.ts';
import { outcomes } from './outcomes.ts';
import { presence } from './presence.ts';
import { publication } from './publication.ts';
import { refusedMessage } from './refused-message.ts';
import { sensorHistory } from './sensor-history.ts';
import { singleHolder } from './single-holder.ts';
import { someFresh } from './some-fresh.ts';
import { soundness } from './soundness.ts';
import { sources } from './sources.ts';
import { storage } from './storage.ts';
import { storageless } from './storageless.ts';
import { timeline } from './timeline.ts';
import { streamGone } from './stream-gone.ts';
import { told } from './told.ts';
import { undecided } from './undecided.ts';
import { warranted } from './warranted.ts';
import { watch } from './watch.ts';
import { word } from './word.ts';
import { wrongClock } from './wrong-clock.ts';

export const checkers: readonly Checker[] = [
  soundness,
  singleHolder,
  execution,
  outcomes,
  acceptance,
  epochs,
  knownState,
  leaps,
  history,
  decided,
  clockBounds,
  freshness,
  holdEnd,
  presence,
  told,
  documents,
  conclusions,
  certainlyNot,
  publication,
  calm,
  word,
  storage,
  storageless,
  forgotten,
  undecided,
  lyingClock,
  deaf,
  wrongClock,
  watch,
  refusedMessage,
  sources,
  someFresh,
  counts,
  journalTimes,
  warranted,
  lastContact,
  timeline,
  sensorHistory,
  allowed,
  streamGone,
];
