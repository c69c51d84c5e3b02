/*
 * What a device does with a command: the checks of docs/protocol.md, "The order of checks", in exactly their
 * order, and what follows for its memory. The device's own state is asked last, through `corral_judge`.
 *
 * Record and act. The outcome of a command that only changes the hold is recorded in one record with the
 * change, and so is every refusal. A command that moves hardware is recorded twice: as begun before the first
 * relay moves, and with its outcome afterwards. A power cut
 *
 * - before the first record: nothing happened, and nobody was told anything; a repetition is a new command;
 * - between record and act, or between act and record: the next boot finds it begun, asks the hardware
 * whether it was executed, and never executes it (`corral_settle_after_restart`);
 * - after the second record: the ring names it.
 *
 * A command may come again under another number, where the server's database was set back. It is known by its
 * id and name, is not executed again, and gets the outcome that it has (docs/protocol.md, "One command, one
 * execution").
 */
#ifndef CORRAL_RECEPTION_H
#define CORRAL_RECEPTION_H

#include "corral_memory.h"

/* What executing a command does to the hold. */
enum corral_hold_change { CORRAL_HOLD_KEPT, CORRAL_HOLD_BEGINS, CORRAL_HOLD_ENDS };

/* What the device's own state says to a command that is in time, for it, and not yet handled. */
struct corral_verdict {
  /* Why it is refused, a stable word in kebab-case as `busy` or `unknown-command`; NULL where it is accepted.
   */
  const char *refusal;
  /* `CORRAL_HOLD_BEGINS` takes the command's `hold_ms`, and is refused while another hold lasts. */
  enum corral_hold_change hold;
  /* There is something to execute; a pure change of the hold needs no hand. */
  bool acts;
};

/* Asks the device's own state. It changes nothing. `hold` is the one that lasts at `up`, or NULL. */
typedef struct corral_verdict (*corral_judge)(
    void *context, const struct corral_command *command, const struct corral_hold *hold, uint64_t up);

/* What became of a command. Each leads to a report at once; `CORRAL_RECEPTION_BEGUN` when its outcome is
 * known. */
enum corral_reception {
  /* Its stored outcome is repeated. */
  CORRAL_RECEPTION_REPEATED,
  /* It was executed, or may have been, under another number: what became of it then is its outcome. */
  CORRAL_RECEPTION_EXECUTED_BEFORE,
  CORRAL_RECEPTION_REFUSED,
  /* Executed: it changed the hold at most. */
  CORRAL_RECEPTION_DONE,
  /* To be executed once the memory is stored, if it may still start then. See `corral_finish`. */
  CORRAL_RECEPTION_BEGUN
};

/* What a command is received by. */
struct corral_moment {
  uint64_t up;
  /* How far ahead a hold is charged, ms. */
  uint64_t hold_charge_ms;
  corral_judge judge;
  void *context;
};

/* What came of an execution. `CORRAL_UNDECIDED` where the hardware does not show it yet: it is amended when
 * it does. */
struct corral_result {
  /* Never `CORRAL_UNKNOWN`: that is the last word on what a boot that has ended left. */
  enum corral_outcome outcome;
  /* NULL where it is done. */
  const char *reason;
};

/* What the hardware shows, after a restart, of a command that was begun or undecided. */
enum corral_shown {
  CORRAL_SHOWN_EXECUTED,
  CORRAL_SHOWN_NOT_EXECUTED,
  CORRAL_SHOWN_UNDECIDED,
  CORRAL_SHOWN_NOTHING
};

/* Checks a command and takes it into the memory, which then has to be stored. */
enum corral_reception corral_receive(
    struct corral_memory *memory, const struct corral_command *command, const struct corral_moment *moment);

/* Whether a command may still start. Asked once more when `begun` is stored: storing took time, and the
 * deadline is about starting. */
bool corral_may_still_start(const struct corral_command *command, uint64_t up);

/* Takes the result of the command that was begun into the memory. What was not executed leaves the hold as it
 * was. */
void corral_finish(struct corral_memory *memory, struct corral_result result);

/* Takes the last word on an undecided command, `CORRAL_DONE` or `CORRAL_REJECTED`, under all of its numbers;
 * `n` is the one under which it was executed. False where none of this number is undecided. */
bool corral_amend(struct corral_memory *memory, uint64_t n, struct corral_result result);

/* Takes what the hardware shows of a command that was begun, or undecided, in a boot before this one. */
void corral_settle_after_restart(
    struct corral_memory *memory, struct corral_begun begun, enum corral_shown shown);

#endif
