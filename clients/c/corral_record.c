/*
 * Records. See corral_record.h. Numbers are written with the lowest byte first, texts with their length
 * before them; nothing depends on how a compiler lays out a struct, so that an update of the firmware reads
 * what was written before it.
 */
#include "corral_record.h"

#include <string.h>

/* Changes with whatever is written below. A core of the format before knew no command by its id; what it has
 * stored is read, and has no such fields. */
static const char format[] = "CRL2";
static const char format_before[] = "CRL1";

#define FORMAT_BYTES 4
#define CHECKSUM_BYTES 4

/* Bytes being written, or read. Once it has failed it does nothing more, and reads zeros. */
struct tape {
  uint8_t *bytes;
  size_t size;
  size_t at;
  bool has_failed;
  /* It is of the format before. */
  bool is_older;
};

/* CRC-32 as in IEEE 802.3. */
static uint32_t checksum_of(const uint8_t *bytes, size_t length) {
  uint32_t sum = 0xffffffff;
  for (size_t at = 0; at < length; at += 1) {
    sum ^= bytes[at];
    for (int bit = 0; bit < 8; bit += 1) sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0xedb88320 : 0);
  }
  return ~sum;
}

/* Claims the next bytes; NULL where there are not so many. */
static uint8_t *claim(struct tape *tape, size_t length) {
  if (tape->has_failed || length > tape->size - tape->at) {
    tape->has_failed = true;
    return NULL;
  }
  tape->at += length;
  return tape->bytes + tape->at - length;
}

static void write_number(struct tape *tape, uint64_t value, size_t size) {
  uint8_t *bytes = claim(tape, size);
  for (size_t index = 0; bytes != NULL && index < size; index += 1)
    bytes[index] = (uint8_t)(value >> (8 * index));
}

static uint64_t read_number(struct tape *tape, size_t size) {
  const uint8_t *bytes = claim(tape, size);
  uint64_t value = 0;
  for (size_t index = size; bytes != NULL && index > 0; index -= 1) value = (value << 8) | bytes[index - 1];
  return value;
}

static void write_text(struct tape *tape, const char *text) {
  size_t length = strlen(text);
  write_number(tape, length, 1);
  uint8_t *bytes = claim(tape, length);
  if (bytes != NULL) memcpy(bytes, text, length);
}

/* Reads a text into a buffer of `size` bytes. */
static void read_text(struct tape *tape, char *text, size_t size) {
  size_t length = (size_t)read_number(tape, 1);
  const uint8_t *bytes = claim(tape, length);
  if (length >= size) tape->has_failed = true;
  if (bytes == NULL || tape->has_failed) return;
  memcpy(text, bytes, length);
  text[length] = '\0';
}

/* ------------------------------------------------------------------------------------------------------- the
 * memory */

static void write_entry(struct tape *tape, const struct corral_entry *entry) {
  write_number(tape, entry->n, 8);
  write_number(tape, entry->outcome, 1);
  write_text(tape, entry->reason);
  write_number(tape, entry->fence.is_given, 1);
  write_number(tape, entry->fence.value, 8);
  write_number(tape, entry->executed_as, 8);
}

/* A number that the format before did not have. */
static uint64_t read_newer(struct tape *tape, size_t size) {
  return tape->is_older ? 0 : read_number(tape, size);
}

static void read_entry(struct tape *tape, struct corral_entry *entry) {
  entry->n = read_number(tape, 8);
  uint64_t outcome = read_number(tape, 1);
  if (outcome > CORRAL_UNKNOWN) tape->has_failed = true;
  else entry->outcome = (enum corral_outcome)outcome;
  read_text(tape, entry->reason, sizeof entry->reason);
  entry->fence.is_given = read_number(tape, 1) != 0;
  entry->fence.value = read_number(tape, 8);
  entry->executed_as = read_newer(tape, 8);
}

static void write_begun(struct tape *tape, const struct corral_begun *begun) {
  write_number(tape, begun->n, 8);
  write_number(tape, begun->boot, 8);
  write_text(tape, begun->name);
  write_number(tape, begun->ends_hold, 1);
  write_number(tape, begun->mark, 8);
  write_number(tape, begun->executed_as, 8);
}

static void read_begun(struct tape *tape, struct corral_begun *begun) {
  begun->n = read_number(tape, 8);
  begun->boot = read_number(tape, 8);
  read_text(tape, begun->name, sizeof begun->name);
  begun->ends_hold = read_number(tape, 1) != 0;
  begun->mark = read_newer(tape, 8);
  begun->executed_as = read_newer(tape, 8);
}

static void write_executed(struct tape *tape, const struct corral_executed *executed) {
  write_number(tape, executed->mark, 8);
  write_number(tape, executed->n, 8);
  write_number(tape, executed->outcome, 1);
  write_number(tape, executed->fence.is_given, 1);
  write_number(tape, executed->fence.value, 8);
}

static void read_executed(struct tape *tape, struct corral_executed *executed) {
  executed->mark = read_number(tape, 8);
  executed->n = read_number(tape, 8);
  executed->outcome = read_number(tape, 1) == CORRAL_DONE ? CORRAL_DONE : CORRAL_UNKNOWN;
  executed->fence.is_given = read_number(tape, 1) != 0;
  executed->fence.value = read_number(tape, 8);
}

static void write_hold(struct tape *tape, const struct corral_hold *hold) {
  write_number(tape, hold->lasts, 1);
  write_text(tape, hold->id);
  write_number(tape, hold->n, 8);
  write_number(tape, hold->ends_up, 8);
  write_number(tape, hold->charged_up, 8);
}

static void read_hold(struct tape *tape, struct corral_hold *hold) {
  hold->lasts = read_number(tape, 1) != 0;
  read_text(tape, hold->id, sizeof hold->id);
  hold->n = read_number(tape, 8);
  hold->ends_up = read_number(tape, 8);
  hold->charged_up = read_number(tape, 8);
}

static void write_memory(struct tape *tape, const struct corral_memory *memory) {
  write_number(tape, memory->boot, 8);
  write_number(tape, memory->highest_n, 8);
  write_number(tape, memory->highest_epoch, 8);
  write_number(tape, memory->ring_length, 1);
  for (size_t index = 0; index < memory->ring_length; index += 1) write_entry(tape, &memory->ring[index]);
  write_hold(tape, &memory->hold);
  write_begun(tape, &memory->begun);
  write_number(tape, memory->undecided_count, 1);
  for (size_t index = 0; index < memory->undecided_count; index += 1)
    write_begun(tape, &memory->undecided[index]);
  write_number(tape, memory->executed_count, 1);
  for (size_t index = 0; index < memory->executed_count; index += 1)
    write_executed(tape, &memory->executed[index]);
}

/* Reads how many of something follow. */
static size_t read_count(struct tape *tape, size_t most) {
  size_t count = (size_t)read_number(tape, 1);
  if (count > most) tape->has_failed = true;
  return count > most ? 0 : count;
}

static void read_memory(struct tape *tape, struct corral_memory *memory) {
  memory->boot = read_number(tape, 8);
  memory->highest_n = read_number(tape, 8);
  memory->highest_epoch = read_number(tape, 8);
  memory->ring_length = read_count(tape, CORRAL_RING_SIZE);
  for (size_t index = 0; index < memory->ring_length; index += 1) read_entry(tape, &memory->ring[index]);
  read_hold(tape, &memory->hold);
  read_begun(tape, &memory->begun);
  memory->undecided_count = read_count(tape, CORRAL_UNDECIDED_MAX);
  for (size_t index = 0; index < memory->undecided_count; index += 1)
    read_begun(tape, &memory->undecided[index]);
  if (tape->is_older) return;
  memory->executed_count = read_count(tape, CORRAL_EXECUTED_MAX);
  for (size_t index = 0; index < memory->executed_count; index += 1)
    read_executed(tape, &memory->executed[index]);
}

/* ------------------------------------------------------------------------------------------------------- the
 * record */

size_t corral_write_record(
    const struct corral_memory *memory, const char *device, uint8_t record[CORRAL_RECORD_BYTES_MAX]) {
  struct tape tape = {record, CORRAL_RECORD_BYTES_MAX, 0, false, false};
  uint8_t *head = claim(&tape, FORMAT_BYTES);
  memcpy(head, format, FORMAT_BYTES);
  write_number(&tape, memory->writes, 8);
  write_text(&tape, device);
  write_memory(&tape, memory);
  write_number(&tape, checksum_of(record, tape.at), CHECKSUM_BYTES);
  return tape.has_failed ? 0 : tape.at;
}

/* A tape of what stands between format and checksum, if both are right. */
static bool open_record(const uint8_t *record, size_t length, struct tape *tape) {
  if (length < FORMAT_BYTES + CHECKSUM_BYTES || length > CORRAL_RECORD_BYTES_MAX) return false;
  bool is_older = memcmp(record, format_before, FORMAT_BYTES) == 0;
  if (!is_older && memcmp(record, format, FORMAT_BYTES) != 0) return false;
  /* Nothing is written to it. */
  struct tape sum = {(uint8_t *)record, length, length - CHECKSUM_BYTES, false, false};
  if (read_number(&sum, CHECKSUM_BYTES) != checksum_of(record, length - CHECKSUM_BYTES)) return false;
  struct tape content = {(uint8_t *)record, length - CHECKSUM_BYTES, FORMAT_BYTES, false, is_older};
  *tape = content;
  return true;
}

enum corral_record_state corral_read_record(
    const uint8_t *record, size_t length, const char *device, struct corral_memory *memory) {
  struct corral_memory read;
  struct tape tape;
  char owner[CORRAL_NAME_BYTES_MAX + 1] = "";
  memset(&read, 0, sizeof read);
  if (!open_record(record, length, &tape)) return CORRAL_RECORD_UNREADABLE;
  read.writes = read_number(&tape, 8);
  read_text(&tape, owner, sizeof owner);
  if (!tape.has_failed && strcmp(owner, device) != 0) return CORRAL_RECORD_FOREIGN;
  read_memory(&tape, &read);
  if (tape.has_failed || tape.at != tape.size || !corral_memory_is_sound(&read))
    return CORRAL_RECORD_UNREADABLE;
  *memory = read;
  return CORRAL_RECORD_READ;
}

uint64_t corral_record_writes(const uint8_t *record, size_t length) {
  struct tape tape;
  return open_record(record, length, &tape) ? read_number(&tape, 8) : 0;
}
