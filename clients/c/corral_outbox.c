/* Delivery. See corral_outbox.h. */
#include "corral_outbox.h"

#include <string.h>

#include "corral_writer.h"

/* What stands before a report in the buffer. */
struct slot {
  uint64_t seq;
  size_t length;
};

/* The most bytes that a list adds around its reports, beside one for each. */
#define LIST_BYTES 5

void corral_outbox_open(
    struct corral_outbox *outbox, enum corral_encoding encoding, uint8_t *bytes, size_t size) {
  memset(outbox, 0, sizeof *outbox);
  outbox->encoding = encoding;
  outbox->bytes = bytes;
  outbox->size = size;
  outbox->is_interrupted = true;
}

/* The slot at a place in the buffer, which is aligned for nothing. */
static struct slot slot_at(const struct corral_outbox *outbox, size_t at) {
  struct slot slot;
  memcpy(&slot, outbox->bytes + at, sizeof slot);
  return slot;
}

static size_t behind(const struct corral_outbox *outbox, size_t at) {
  return at + sizeof(struct slot) + slot_at(outbox, at).length;
}

static void remove_bytes(struct corral_outbox *outbox, size_t from, size_t to) {
  memmove(outbox->bytes + from, outbox->bytes + to, outbox->length - to);
  outbox->length -= to - from;
}

int corral_outbox_add(struct corral_outbox *outbox, uint64_t seq, const uint8_t *report, size_t length) {
  struct slot slot = {seq, length};
  size_t needed = sizeof slot + length;
  size_t freed = 0;
  int dropped = 0;
  if (needed > outbox->size) return -1;
  for (; outbox->length - freed > outbox->size - needed; dropped += 1) freed = behind(outbox, freed);
  remove_bytes(outbox, 0, freed);
  memcpy(outbox->bytes + outbox->length, &slot, sizeof slot);
  memcpy(outbox->bytes + outbox->length + sizeof slot, report, length);
  outbox->length += needed;
  return dropped;
}

/* Where the first report after a number is; the end of the buffer where there is none. */
static size_t first_after(const struct corral_outbox *outbox, uint64_t seq) {
  size_t at = 0;
  while (at < outbox->length && slot_at(outbox, at).seq <= seq) at = behind(outbox, at);
  return at;
}

static size_t newest(const struct corral_outbox *outbox) {
  size_t at = 0;
  while (behind(outbox, at) < outbox->length) at = behind(outbox, at);
  return at;
}

/* How many reports from a place on fit into a payload of `size` bytes. */
static size_t count_fitting(const struct corral_outbox *outbox, size_t from, size_t size) {
  size_t count = 0;
  size_t bytes = 0;
  for (size_t at = from; at < outbox->length && count < CORRAL_FRAME_REPORTS_MAX; at = behind(outbox, at)) {
    bytes += slot_at(outbox, at).length;
    size_t around = count == 0 ? 0 : LIST_BYTES + count + 1;
    if (bytes + around > size) break;
    count += 1;
  }
  return count;
}

/* Writes `count` reports from a place on: a single one as it is, several as a list. */
static struct corral_frame write_frame(
    const struct corral_outbox *outbox, size_t from, size_t count, uint8_t *payload, size_t size) {
  struct corral_frame frame = {slot_at(outbox, from).seq, 0, 0};
  struct corral_writer writer;
  size_t at = from;
  corral_writer_open(&writer, outbox->encoding, payload, size);
  if (count > 1) corral_write_list(&writer, count);
  for (size_t index = 0; index < count; index += 1) {
    struct slot slot = slot_at(outbox, at);
    corral_write_ready(&writer, outbox->bytes + at + sizeof slot, slot.length);
    frame.to = slot.seq;
    at = behind(outbox, at);
  }
  if (count > 1) corral_write_list_end(&writer);
  frame.length = writer.length;
  return frame;
}

bool corral_outbox_next(
    const struct corral_outbox *outbox, uint8_t *payload, size_t size, struct corral_frame *frame) {
  if (outbox->length == 0) return false;
  size_t live = first_after(outbox, outbox->live_after);
  size_t oldest_to_send = live < outbox->length ? live : 0;
  size_t from = outbox->is_interrupted ? newest(outbox) : oldest_to_send;
  size_t count = count_fitting(outbox, from, size);
  if (count > 0) *frame = write_frame(outbox, from, count, payload, size);
  return count > 0;
}

void corral_outbox_acked(struct corral_outbox *outbox, struct corral_frame frame) {
  if (outbox->is_interrupted) outbox->live_after = frame.to;
  outbox->is_interrupted = false;
  size_t from = frame.from == 0 ? 0 : first_after(outbox, frame.from - 1);
  remove_bytes(outbox, from, first_after(outbox, frame.to));
}

void corral_outbox_interrupt(struct corral_outbox *outbox) { outbox->is_interrupted = true; }
