/* The memory of a device. See corral_memory.h. */
#include "corral_memory.h"

#include <string.h>

struct corral_entry corral_entry_of(uint64_t n, enum corral_outcome outcome, const char *reason) {
  struct corral_entry entry;
  memset(&entry, 0, sizeof entry);
  entry.n = n;
  entry.outcome = outcome;
  if (reason != NULL) strncpy(entry.reason, reason, CORRAL_REASON_BYTES_MAX);
  return entry;
}

const struct corral_entry *corral_find_entry(const struct corral_memory *memory, uint64_t n) {
  for (size_t index = 0; index < memory->ring_length; index += 1)
    if (memory->ring[index].n == n) return &memory->ring[index];
  return NULL;
}

const struct corral_begun *corral_find_undecided(const struct corral_memory *memory, uint64_t n) {
  for (size_t index = 0; index < memory->undecided_count; index += 1)
    if (memory->undecided[index].n == n) return &memory->undecided[index];
  return NULL;
}

uint64_t corral_first_number(const struct corral_begun *begun) {
  return begun->executed_as == 0 ? begun->n : begun->executed_as;
}

const struct corral_executed *corral_find_executed(const struct corral_memory *memory, uint64_t mark) {
  for (size_t index = 0; index < memory->executed_count; index += 1)
    if (memory->executed[index].mark == mark) return &memory->executed[index];
  return NULL;
}

size_t corral_unsettled(
    const struct corral_memory *memory, struct corral_begun unsettled[CORRAL_UNDECIDED_MAX + 1]) {
  size_t count = 0;
  for (size_t index = 0; index < memory->undecided_count; index += 1) {
    uint64_t first = corral_first_number(&memory->undecided[index]);
    bool is_there = false;
    for (size_t before = 0; before < count; before += 1)
      is_there = is_there || corral_first_number(&unsettled[before]) == first;
    if (!is_there) unsettled[count++] = memory->undecided[index];
  }
  if (memory->begun.n != 0) unsettled[count++] = memory->begun;
  return count;
}

static uint64_t mix(uint64_t mark, const char *text) {
  for (; *text != '\0'; text += 1) mark = (mark ^ (uint8_t)*text) * UINT64_C(1099511628211);
  return mark;
}

uint64_t corral_mark(const char *id, const char *name) {
  uint64_t mark = mix(mix(UINT64_C(14695981039346656037), id) * UINT64_C(1099511628211), name);
  return mark == 0 ? 1 : mark;
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* -------------------------------------------------------------------------------------------------------
 * outcomes */

static void raise_highest_n(struct corral_memory *memory, uint64_t n) {
  if (n > memory->highest_n) memory->highest_n = n;
}

/* Takes the entry at an index out of the ring. */
static void drop_entry(struct corral_memory *memory, size_t index) {
  memory->ring_length -= 1;
  memmove(
      &memory->ring[index], &memory->ring[index + 1], (memory->ring_length - index) * sizeof memory->ring[0]);
}

/* Puts an entry into its place by number; there has to be room. */
static void insert_entry(struct corral_memory *memory, struct corral_entry entry) {
  size_t index = 0;
  while (index < memory->ring_length && memory->ring[index].n > entry.n) index += 1;
  memmove(
      &memory->ring[index + 1], &memory->ring[index], (memory->ring_length - index) * sizeof memory->ring[0]);
  memory->ring[index] = entry;
  memory->ring_length += 1;
}

/*
 * Makes room for an entry in a full ring: the lowest that is not undecided goes. False where that is the
 * entry itself. At most CORRAL_UNDECIDED_MAX are undecided, so one of the ring's is not.
 */
static bool make_room(struct corral_memory *memory, const struct corral_entry *entry) {
  size_t lowest = memory->ring_length - 1;
  while (lowest > 0 && memory->ring[lowest].outcome == CORRAL_UNDECIDED) lowest -= 1;
  if (entry->outcome != CORRAL_UNDECIDED && entry->n < memory->ring[lowest].n) return false;
  drop_entry(memory, lowest);
  return true;
}

static void forget_undecided(struct corral_memory *memory, uint64_t n) {
  const struct corral_begun *undecided = corral_find_undecided(memory, n);
  if (undecided == NULL) return;
  size_t index = (size_t)(undecided - memory->undecided);
  memory->undecided_count -= 1;
  size_t behind = memory->undecided_count - index;
  memmove(&memory->undecided[index], &memory->undecided[index + 1], behind * sizeof memory->undecided[0]);
}

void corral_remember_outcome(struct corral_memory *memory, struct corral_entry entry) {
  const struct corral_entry *amended = corral_find_entry(memory, entry.n);
  if (amended != NULL) drop_entry(memory, (size_t)(amended - memory->ring));
  if (memory->ring_length < CORRAL_RING_SIZE || make_room(memory, &entry)) insert_entry(memory, entry);
  if (memory->begun.n == entry.n) memset(&memory->begun, 0, sizeof memory->begun);
  forget_undecided(memory, entry.n);
  raise_highest_n(memory, entry.n);
}

void corral_remember_begun(struct corral_memory *memory, struct corral_begun begun) {
  memory->begun = begun;
  raise_highest_n(memory, begun.n);
}

void corral_remember_undecided(struct corral_memory *memory, struct corral_begun begun, const char *reason) {
  struct corral_entry entry = corral_entry_of(begun.n, CORRAL_UNDECIDED, reason);
  entry.executed_as = begun.executed_as;
  corral_remember_outcome(memory, entry);
  memory->undecided[memory->undecided_count] = begun;
  memory->undecided_count += 1;
}

void corral_drop_undecided(struct corral_memory *memory, uint64_t n) {
  const struct corral_entry *entry = corral_find_entry(memory, n);
  if (entry != NULL) drop_entry(memory, (size_t)(entry - memory->ring));
  forget_undecided(memory, n);
}

void corral_remember_executed(struct corral_memory *memory, struct corral_executed executed) {
  size_t index = 0;
  while (index < memory->executed_count && memory->executed[index].mark != executed.mark) index += 1;
  if (index == memory->executed_count && index < CORRAL_EXECUTED_MAX) memory->executed_count += 1;
  if (index == CORRAL_EXECUTED_MAX) index -= 1;
  memmove(&memory->executed[1], &memory->executed[0], index * sizeof memory->executed[0]);
  memory->executed[0] = executed;
}

bool corral_remember_epoch(struct corral_memory *memory, uint64_t epoch) {
  if (epoch <= memory->highest_epoch) return false;
  memory->highest_epoch = epoch;
  return true;
}

/* ------------------------------------------------------------------------------------------------------- the
 * hold */

/* Charges two intervals at a time and again after one: an interval is left for the storage to be slow in. */
static void charge(struct corral_hold *hold, uint64_t up, uint64_t charge_ms) {
  hold->charged_up = least(hold->ends_up, up + 2 * charge_ms);
}

static uint64_t charge_due_up(const struct corral_hold *hold, uint64_t charge_ms) {
  if (hold->charged_up == hold->ends_up) return hold->ends_up;
  return hold->charged_up > charge_ms ? hold->charged_up - charge_ms : 0;
}

void corral_begin_hold(
    struct corral_memory *memory, const struct corral_command *command, uint64_t up,
    uint64_t hold_charge_ms) {
  struct corral_hold *hold = &memory->hold;
  memset(hold, 0, sizeof *hold);
  hold->lasts = true;
  memcpy(hold->id, command->id, sizeof hold->id);
  hold->n = command->n;
  hold->ends_up = up + command->hold_ms.value;
  charge(hold, up, hold_charge_ms);
}

bool corral_end_hold(struct corral_memory *memory) {
  bool lasted = memory->hold.lasts;
  memset(&memory->hold, 0, sizeof memory->hold);
  return lasted;
}

const struct corral_hold *corral_hold_at(const struct corral_memory *memory, uint64_t up) {
  return memory->hold.lasts && up < memory->hold.ends_up ? &memory->hold : NULL;
}

bool corral_pass_time(struct corral_memory *memory, uint64_t up, uint64_t hold_charge_ms) {
  if (!memory->hold.lasts) return false;
  if (up >= memory->hold.ends_up) return corral_end_hold(memory);
  if (up < charge_due_up(&memory->hold, hold_charge_ms)) return false;
  charge(&memory->hold, up, hold_charge_ms);
  return true;
}

uint64_t corral_next_change_up(const struct corral_memory *memory, uint64_t hold_charge_ms) {
  if (!memory->hold.lasts) return UINT64_MAX;
  return least(memory->hold.ends_up, charge_due_up(&memory->hold, hold_charge_ms));
}

void corral_next_boot(struct corral_memory *memory, uint64_t first_boot, uint64_t hold_charge_ms) {
  struct corral_hold *hold = &memory->hold;
  memory->boot = memory->boot == 0 ? first_boot : memory->boot + 1;
  if (!hold->lasts) return;
  if (hold->ends_up <= hold->charged_up) {
    corral_end_hold(memory);
    return;
  }
  hold->ends_up -= hold->charged_up;
  charge(hold, 0, hold_charge_ms);
}

/* -------------------------------------------------------------------------------------------------------
 * invariants */

static bool ring_is_sound(const struct corral_memory *memory) {
  if (memory->ring_length > CORRAL_RING_SIZE) return false;
  for (size_t index = 0; index < memory->ring_length; index += 1) {
    uint64_t above = index == 0 ? memory->highest_n + 1 : memory->ring[index - 1].n;
    if (memory->ring[index].n >= above) return false;
  }
  return true;
}

static bool undecided_are_sound(const struct corral_memory *memory) {
  if (memory->undecided_count > CORRAL_UNDECIDED_MAX) return false;
  for (size_t index = 0; index < memory->undecided_count; index += 1) {
    const struct corral_entry *entry = corral_find_entry(memory, memory->undecided[index].n);
    if (entry == NULL || entry->outcome != CORRAL_UNDECIDED) return false;
  }
  return true;
}

static bool executed_are_sound(const struct corral_memory *memory) {
  if (memory->executed_count > CORRAL_EXECUTED_MAX) return false;
  for (size_t index = 0; index < memory->executed_count; index += 1)
    if (corral_find_executed(memory, memory->executed[index].mark) != &memory->executed[index]) return false;
  return true;
}

bool corral_memory_is_sound(const struct corral_memory *memory) {
  const struct corral_begun *begun = &memory->begun;
  bool begun_is_sound =
      begun->n == 0 || (begun->n <= memory->highest_n && corral_find_entry(memory, begun->n) == NULL);
  bool hold_is_sound = memory->hold.charged_up <= memory->hold.ends_up;
  bool lists_are_sound =
      ring_is_sound(memory) && undecided_are_sound(memory) && executed_are_sound(memory);
  return lists_are_sound && begun_is_sound && hold_is_sound;
}
