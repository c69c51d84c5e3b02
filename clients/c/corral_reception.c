/* The order of checks, and what follows. See corral_reception.h. */
#include "corral_reception.h"

#include <string.h>

bool corral_may_still_start(const struct corral_command *command, uint64_t up) {
  return !command->not_after_up.is_given || up <= command->not_after_up.value;
}

/* The first of the contract's checks that refuses (3 to 6), or NULL. `highest_epoch` is that of before the
 * command. */
static const char *refusal_of(
    const struct corral_memory *memory, const struct corral_command *command, uint64_t highest_epoch,
    uint64_t up) {
  if (command->n <= memory->highest_n) return "superseded";
  if (command->epoch < highest_epoch) return "stale-epoch";
  if (command->boot.is_given && command->boot.value != memory->boot) return "other-boot";
  if (!corral_may_still_start(command, up)) return "too-late";
  return NULL;
}

/* What speaks against an accepting verdict's own terms. Nobody can grant a second hold, or act on a command
 * without a deadline. */
static const char *objection_to(
    const struct corral_memory *memory, const struct corral_command *command,
    const struct corral_verdict *verdict, uint64_t up) {
  bool changes_nothing = verdict->hold == CORRAL_HOLD_KEPT && !verdict->acts;
  bool has_deadline = command->boot.is_given && command->not_after_up.is_given;
  if (!changes_nothing && !has_deadline) return "no-deadline";
  if (verdict->acts && memory->undecided_count >= CORRAL_UNDECIDED_MAX) return "busy";
  if (verdict->hold != CORRAL_HOLD_BEGINS) return NULL;
  if (corral_hold_at(memory, up) != NULL) return "busy";
  return command->hold_ms.value == 0 ? "no-hold-time" : NULL;
}

static enum corral_reception refuse(struct corral_memory *memory, uint64_t n, const char *reason) {
  corral_remember_outcome(memory, corral_entry_of(n, CORRAL_REJECTED, reason));
  return CORRAL_RECEPTION_REFUSED;
}

static enum corral_reception record_done(struct corral_memory *memory, uint64_t n) {
  corral_remember_outcome(memory, corral_entry_of(n, CORRAL_DONE, NULL));
  return CORRAL_RECEPTION_DONE;
}

/* Records a command as begun, with what follows from it. A hold that it begins begins now, and ends again if
 * nothing comes of it. */
static enum corral_reception begin(
    struct corral_memory *memory, const struct corral_command *command, const struct corral_verdict *verdict,
    const struct corral_moment *moment) {
  struct corral_begun begun;
  memset(&begun, 0, sizeof begun);
  begun.n = command->n;
  begun.boot = memory->boot;
  memcpy(begun.name, command->name, sizeof begun.name);
  begun.ends_hold = verdict->hold == CORRAL_HOLD_ENDS;
  if (verdict->hold == CORRAL_HOLD_BEGINS)
    corral_begin_hold(memory, command, moment->up, moment->hold_charge_ms);
  corral_remember_begun(memory, begun);
  return CORRAL_RECEPTION_BEGUN;
}

/* Records a command that only changes the hold, as executed. */
static enum corral_reception change_hold(
    struct corral_memory *memory, const struct corral_command *command, const struct corral_verdict *verdict,
    const struct corral_moment *moment) {
  if (verdict->hold == CORRAL_HOLD_BEGINS)
    corral_begin_hold(memory, command, moment->up, moment->hold_charge_ms);
  if (verdict->hold == CORRAL_HOLD_ENDS) corral_end_hold(memory);
  return record_done(memory, command->n);
}

enum corral_reception corral_receive(
    struct corral_memory *memory, const struct corral_command *command, const struct corral_moment *moment) {
  uint64_t highest_epoch = memory->highest_epoch;
  corral_remember_epoch(memory, command->epoch);
  if (corral_find_entry(memory, command->n) != NULL) return CORRAL_RECEPTION_REPEATED;
  const char *refusal = refusal_of(memory, command, highest_epoch, moment->up);
  if (refusal != NULL) return refuse(memory, command->n, refusal);
  if (strcmp(command->name, "report") == 0) return record_done(memory, command->n);
  const struct corral_hold *hold = corral_hold_at(memory, moment->up);
  struct corral_verdict verdict = moment->judge(moment->context, command, hold, moment->up);
  refusal = verdict.refusal != NULL ? verdict.refusal : objection_to(memory, command, &verdict, moment->up);
  if (refusal != NULL) return refuse(memory, command->n, refusal);
  if (verdict.acts) return begin(memory, command, &verdict, moment);
  return change_hold(memory, command, &verdict, moment);
}

/* A hold that the command began is ended only where it certainly did not come about, one that it ends only
 * where it certainly did. */
static void take_last_word(
    struct corral_memory *memory, struct corral_begun begun, struct corral_result result) {
  bool is_done = result.outcome == CORRAL_DONE;
  bool began_hold = memory->hold.lasts && memory->hold.n == begun.n;
  corral_remember_outcome(memory, corral_entry_of(begun.n, result.outcome, result.reason));
  if (is_done ? begun.ends_hold : began_hold) corral_end_hold(memory);
}

void corral_finish(struct corral_memory *memory, struct corral_result result) {
  struct corral_begun begun = memory->begun;
  if (result.outcome == CORRAL_UNDECIDED) corral_remember_undecided(memory, begun, result.reason);
  else take_last_word(memory, begun, result);
}

bool corral_amend(struct corral_memory *memory, uint64_t n, struct corral_result result) {
  const struct corral_begun *undecided = corral_find_undecided(memory, n);
  if (undecided == NULL) return false;
  take_last_word(memory, *undecided, result);
  return true;
}

void corral_settle_after_restart(
    struct corral_memory *memory, struct corral_begun begun, enum corral_shown shown) {
  struct corral_result done = {CORRAL_DONE, NULL};
  struct corral_result rejected = {CORRAL_REJECTED, "interrupted"};
  struct corral_entry unknown = corral_entry_of(begun.n, CORRAL_UNKNOWN, "interrupted");
  unknown.fence.is_given = true;
  unknown.fence.value = begun.boot;
  switch (shown) {
    case CORRAL_SHOWN_EXECUTED:
      take_last_word(memory, begun, done);
      break;
    case CORRAL_SHOWN_NOT_EXECUTED:
      take_last_word(memory, begun, rejected);
      break;
    case CORRAL_SHOWN_UNDECIDED:
      corral_remember_undecided(memory, begun, "interrupted");
      break;
    case CORRAL_SHOWN_NOTHING:
      corral_remember_outcome(memory, unknown);
      break;
  }
}
