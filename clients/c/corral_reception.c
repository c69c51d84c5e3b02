/* The order of checks, and what follows. See corral_reception.h. */
#include "corral_reception.h"

#include <string.h>

/* Why a command is named so that the end of a boot cut off. */
static const char interrupted[] = "interrupted";

bool corral_may_still_start(const struct corral_command *command, uint64_t up) {
  return !command->not_after_up.is_given || up <= command->not_after_up.value;
}

/* By what the command is given up already (checks 3 and 4), or NULL. `highest_epoch` is that of before the
 * command. */
static const char *outdated_by(
    const struct corral_memory *memory, const struct corral_command *command, uint64_t highest_epoch) {
  if (command->n <= memory->highest_n) return "superseded";
  return command->epoch < highest_epoch ? "stale-epoch" : NULL;
}

/* What the command comes too late for (checks 5 and 6), or NULL. */
static const char *late_for(
    const struct corral_memory *memory, const struct corral_command *command, uint64_t up) {
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

/* The undecided command of a mark, or NULL. */
static const struct corral_begun *find_undecided(const struct corral_memory *memory, uint64_t mark) {
  for (size_t index = 0; index < memory->undecided_count; index += 1)
    if (memory->undecided[index].mark == mark) return &memory->undecided[index];
  return NULL;
}

/*
 * An undecided command is undecided under one more number. Where the ring has no place for it, it takes the
 * one of a number before: to reject it would say that the command was not executed.
 */
static void add_number(struct corral_memory *memory, const struct corral_begun *undecided, uint64_t n) {
  struct corral_begun again = *undecided;
  struct corral_entry before = *corral_find_entry(memory, undecided->n);
  again.n = n;
  again.executed_as = corral_first_number(undecided);
  if (memory->undecided_count >= CORRAL_UNDECIDED_MAX) corral_drop_undecided(memory, before.n);
  corral_remember_undecided(memory, again, before.reason);
}

/* Gives a command that was executed under another number, or may have been, the outcome that it has. False
 * where none is known. */
static bool receive_again(struct corral_memory *memory, const struct corral_command *command) {
  uint64_t mark = corral_mark(command->id, command->name);
  if (strcmp(command->name, "report") == 0) return false;
  const struct corral_begun *undecided = find_undecided(memory, mark);
  const struct corral_executed *executed = corral_find_executed(memory, mark);
  if (undecided != NULL) {
    add_number(memory, undecided, command->n);
  } else if (executed != NULL) {
    const char *reason = executed->outcome == CORRAL_UNKNOWN ? interrupted : NULL;
    struct corral_entry entry = corral_entry_of(command->n, executed->outcome, reason);
    entry.fence = executed->fence;
    entry.executed_as = executed->n;
    corral_remember_outcome(memory, entry);
  }
  return undecided != NULL || executed != NULL;
}

/* Names what became of a command under each of its numbers, and remembers it where it was executed, or may
 * have been. */
static void take_word(
    struct corral_memory *memory, const struct corral_begun *begun, struct corral_entry word) {
  struct corral_executed executed = {begun->mark, corral_first_number(begun), word.outcome, word.fence};
  word.n = begun->n;
  word.executed_as = begun->executed_as;
  corral_remember_outcome(memory, word);
  /* From the end: each that is named leaves the list. */
  for (size_t index = memory->undecided_count; index > 0; index -= 1) {
    const struct corral_begun *other = &memory->undecided[index - 1];
    if (corral_first_number(other) != executed.n) continue;
    word.n = other->n;
    word.executed_as = other->executed_as;
    corral_remember_outcome(memory, word);
  }
  if (word.outcome != CORRAL_REJECTED && executed.mark != 0) corral_remember_executed(memory, executed);
}

/* What is remembered of a command when its execution begins. */
static struct corral_begun begun_of(
    const struct corral_memory *memory, const struct corral_command *command) {
  struct corral_begun begun;
  memset(&begun, 0, sizeof begun);
  begun.n = command->n;
  begun.boot = memory->boot;
  begun.mark = corral_mark(command->id, command->name);
  memcpy(begun.name, command->name, sizeof begun.name);
  return begun;
}

/* Records a command as begun, with what follows from it. A hold that it begins begins now, and ends again if
 * nothing comes of it. */
static enum corral_reception begin(
    struct corral_memory *memory, const struct corral_command *command, const struct corral_verdict *verdict,
    const struct corral_moment *moment) {
  struct corral_begun begun = begun_of(memory, command);
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
  struct corral_begun begun = begun_of(memory, command);
  take_word(memory, &begun, corral_entry_of(command->n, CORRAL_DONE, NULL));
  return CORRAL_RECEPTION_DONE;
}

/* A `report` changes nothing: it is done, and nobody has to know later that it was. */
static enum corral_reception answer_report(struct corral_memory *memory, uint64_t n) {
  corral_remember_outcome(memory, corral_entry_of(n, CORRAL_DONE, NULL));
  return CORRAL_RECEPTION_DONE;
}

enum corral_reception corral_receive(
    struct corral_memory *memory, const struct corral_command *command, const struct corral_moment *moment) {
  uint64_t highest_epoch = memory->highest_epoch;
  corral_remember_epoch(memory, command->epoch);
  if (corral_find_entry(memory, command->n) != NULL) return CORRAL_RECEPTION_REPEATED;
  const char *refusal = outdated_by(memory, command, highest_epoch);
  if (refusal != NULL) return refuse(memory, command->n, refusal);
  /* Before the deadline, like a repetition: to refuse it for that would prove that it was not executed. */
  if (receive_again(memory, command)) return CORRAL_RECEPTION_EXECUTED_BEFORE;
  refusal = late_for(memory, command, moment->up);
  if (refusal != NULL) return refuse(memory, command->n, refusal);
  if (strcmp(command->name, "report") == 0) return answer_report(memory, command->n);
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
  bool began_hold = memory->hold.lasts && memory->hold.n == corral_first_number(&begun);
  take_word(memory, &begun, corral_entry_of(begun.n, result.outcome, result.reason));
  if (is_done ? begun.ends_hold : began_hold) corral_end_hold(memory);
}

void corral_finish(struct corral_memory *memory, struct corral_result result) {
  struct corral_begun begun = memory->begun;
  if (result.outcome == CORRAL_UNDECIDED) corral_remember_undecided(memory, begun, result.reason);
  else take_last_word(memory, begun, result);
}

bool corral_amend(struct corral_memory *memory, uint64_t n, struct corral_result result) {
  for (size_t index = 0; index < memory->undecided_count; index += 1)
    if (corral_first_number(&memory->undecided[index]) == n) {
      take_last_word(memory, memory->undecided[index], result);
      return true;
    }
  return false;
}

/* It stays undecided, under each of its numbers. */
static void keep_undecided(struct corral_memory *memory, const struct corral_begun *begun) {
  struct corral_begun others[CORRAL_UNDECIDED_MAX];
  size_t count = 0;
  for (size_t index = 0; index < memory->undecided_count; index += 1) {
    const struct corral_begun *other = &memory->undecided[index];
    if (other->n != begun->n && corral_first_number(other) == corral_first_number(begun))
      others[count++] = *other;
  }
  corral_remember_undecided(memory, *begun, interrupted);
  for (size_t index = 0; index < count; index += 1)
    corral_remember_undecided(memory, others[index], interrupted);
}

void corral_settle_after_restart(
    struct corral_memory *memory, struct corral_begun begun, enum corral_shown shown) {
  struct corral_result done = {CORRAL_DONE, NULL};
  struct corral_result rejected = {CORRAL_REJECTED, interrupted};
  struct corral_entry unknown = corral_entry_of(begun.n, CORRAL_UNKNOWN, interrupted);
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
      keep_undecided(memory, &begun);
      break;
    case CORRAL_SHOWN_NOTHING:
      take_word(memory, &begun, unknown);
      break;
  }
}
