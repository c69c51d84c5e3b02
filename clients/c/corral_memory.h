/*
 * What a device remembers across restarts, and the only ways in which that may change (docs/protocol.md,
 * "What a device may forget").
 *
 * Invariants, kept by the functions below and looked at when a record is read:
 * I1  the ring holds at most CORRAL_RING_SIZE outcomes, of the highest command numbers, each once, the
 * highest first; what is undecided stays in it, whatever came after it, and another one goes instead. I2  no
 * number in the ring, and not that of the begun command, is above `highest_n`. I3  the begun command is not
 * in the ring: its outcome is not known yet. I4  `hold.charged_up` is at most `hold.ends_up`. I5  every
 * undecided command is in the ring under that word. I6  no command is among the executed ones twice.
 *
 * All of it is a function of its arguments: no clock, no I/O. Where a function says that it changed
 * something, the memory has to be stored before anything leaves that says so.
 */
#ifndef CORRAL_MEMORY_H
#define CORRAL_MEMORY_H

#include "corral_command.h"

/* So many outcomes are kept, and named in every report: all of them, and no fewer. */
#define CORRAL_RING_SIZE 8

/* So many commands are undecided at most: a place of the ring is left for what else is handled. One more is
 * refused, as `busy`. */
#define CORRAL_UNDECIDED_MAX (CORRAL_RING_SIZE - 1)

/* A reason is a short word in kebab-case. A longer one is cut off here. */
#define CORRAL_REASON_BYTES_MAX 31

enum corral_outcome { CORRAL_DONE, CORRAL_REJECTED, CORRAL_UNDECIDED, CORRAL_UNKNOWN };

/* What became of one command. */
struct corral_entry {
  uint64_t n;
  enum corral_outcome outcome;
  /* Empty where there is none. */
  char reason[CORRAL_REASON_BYTES_MAX + 1];
  /* Of an unknown one: the boot in which it was executed, which has ended since. */
  struct corral_optional fence;
  /* The lower number under which the same command was executed, where it came again under this one; else 0.
   */
  uint64_t executed_as;
};

/* A reservation that the device keeps, on the uptime of the present boot, ms. */
struct corral_hold {
  bool lasts;
  /* Of the command that began it. */
  char id[CORRAL_ID_BYTES_MAX + 1];
  uint64_t n;
  /* At this uptime it has ended. */
  uint64_t ends_up;
  /* Up to this uptime it counts as spent if the device restarts: written ahead of time, so that no restart
   * prolongs it. */
  uint64_t charged_up;
};

/* A command whose execution has begun, with what follows from it once it is done. No number is 0: there is
 * none then. */
struct corral_begun {
  uint64_t n;
  /* The boot in which it is executed. */
  uint64_t boot;
  char name[CORRAL_NAME_BYTES_MAX + 1];
  /* Executing it ends the hold. */
  bool ends_hold;
  /* See `corral_mark`; 0 in what an older core has stored. */
  uint64_t mark;
  /* The number under which it was executed, where this is one under which it came again; else 0. */
  uint64_t executed_as;
};

/* So many executed commands are known, the last ones. One from before them that comes again under another
 * number is executed again. */
#define CORRAL_EXECUTED_MAX 8

/* A command that was executed, or may have been: by its mark it is known when it comes again under another
 * number. */
struct corral_executed {
  uint64_t mark;
  /* The number under which it was executed. */
  uint64_t n;
  /* `CORRAL_DONE`, or `CORRAL_UNKNOWN` with its fence. */
  enum corral_outcome outcome;
  struct corral_optional fence;
};

/* What outlives a restart. Some 2 KB. */
struct corral_memory {
  /* Counts the times that it was stored, so that of two copies the newer one is known. */
  uint64_t writes;
  /* The number of this start; 0 before the first. */
  uint64_t boot;
  /* The highest command number handled, and the highest epoch seen; 0 before the first. */
  uint64_t highest_n;
  uint64_t highest_epoch;
  size_t ring_length;
  struct corral_entry ring[CORRAL_RING_SIZE];
  struct corral_hold hold;
  /* What is being executed; its outcome is not known. */
  struct corral_begun begun;
  size_t undecided_count;
  struct corral_begun undecided[CORRAL_UNDECIDED_MAX];
  /* The last one first. */
  size_t executed_count;
  struct corral_executed executed[CORRAL_EXECUTED_MAX];
};

/* What id and name of a command come to, never 0: two commands of one mark are one (FNV-1a, 64 bits). */
uint64_t corral_mark(const char *id, const char *name);

/* The outcome without a reason, or with one. A reason that is too long is cut off. */
struct corral_entry corral_entry_of(uint64_t n, enum corral_outcome outcome, const char *reason);

/* The outcome of a number that is in the ring, or NULL. */
const struct corral_entry *corral_find_entry(const struct corral_memory *memory, uint64_t n);

/* The undecided command of a number, or NULL. */
const struct corral_begun *corral_find_undecided(const struct corral_memory *memory, uint64_t n);

/* The number under which a command was executed. */
uint64_t corral_first_number(const struct corral_begun *begun);

/* What became of the command of this mark, or NULL where none is known to have been executed. */
const struct corral_executed *corral_find_executed(const struct corral_memory *memory, uint64_t mark);

/*
 * Copies the commands that were begun, or undecided, when the boot before ended: each of them once, under one
 * of its numbers. Returns how many there are.
 */
size_t corral_unsettled(
    const struct corral_memory *memory, struct corral_begun unsettled[CORRAL_UNDECIDED_MAX + 1]);

/*
 * Makes the memory that of the next boot. A blank one begins at `first_boot`. Uptime begins at 0 again, and
 * the time that the device was off is nobody's to measure: a hold goes on with what was left of it, less what
 * counts as spent, so that over all boots together it never lasts longer than it was granted for.
 */
void corral_next_boot(struct corral_memory *memory, uint64_t first_boot, uint64_t hold_charge_ms);

/*
 * Takes an outcome into the ring, in the place of the one that it amends. One that is older than all of a
 * full ring finds no place: it proves nothing any more.
 */
void corral_remember_outcome(struct corral_memory *memory, struct corral_entry entry);

/* Notes that the execution of a command is about to begin. */
void corral_remember_begun(struct corral_memory *memory, struct corral_begun begun);

/* Takes a command that was executed into the ring as undecided, and remembers what follows from it once that
 * is known. */
void corral_remember_undecided(struct corral_memory *memory, struct corral_begun begun, const char *reason);

/* Takes an undecided number out of the ring, where another number of the same command is to take its place.
 */
void corral_drop_undecided(struct corral_memory *memory, uint64_t n);

/* Remembers that a command was executed, or may have been. */
void corral_remember_executed(struct corral_memory *memory, struct corral_executed executed);

/* Notes the epoch of a command, whatever becomes of the command itself. Says whether that changed anything.
 */
bool corral_remember_epoch(struct corral_memory *memory, uint64_t epoch);

/* Begins the hold of a command at uptime `up`. */
void corral_begin_hold(
    struct corral_memory *memory, const struct corral_command *command, uint64_t up, uint64_t hold_charge_ms);

/* Ends the hold. Says whether there was one. */
bool corral_end_hold(struct corral_memory *memory);

/* The hold that lasts at uptime `up`, or NULL: the device lets go by itself, on its own clock, whether or not
 * anything woke it. */
const struct corral_hold *corral_hold_at(const struct corral_memory *memory, uint64_t up);

/*
 * Lets time pass until uptime `up`: a hold that has ended is forgotten, one that goes on is charged for the
 * time to come. Says whether that changed anything.
 */
bool corral_pass_time(struct corral_memory *memory, uint64_t up, uint64_t hold_charge_ms);

/* The uptime at which `corral_pass_time` will change something; UINT64_MAX where nothing will. */
uint64_t corral_next_change_up(const struct corral_memory *memory, uint64_t hold_charge_ms);

/* Whether the invariants hold. */
bool corral_memory_is_sound(const struct corral_memory *memory);

#endif
