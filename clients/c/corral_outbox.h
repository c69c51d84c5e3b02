/*
 * The reports that are not acknowledged, and which of them to send next (docs/protocol.md, "Delivery"), in a
 * buffer of the caller's.
 *
 * Invariants:
 * I1  a report leaves only when it is acknowledged, or when the buffer is full: then the oldest goes, and the
 * server sees its number as missing. The newest is never dropped. I2  after an outage, and at the start, the
 * newest report goes first and alone, then in order what came after it, then what is older, oldest first, in
 * frames; what is new overtakes what is old, frame by frame. I3  a report is the same bytes however often and
 * in whatever company it is sent.
 */
#ifndef CORRAL_OUTBOX_H
#define CORRAL_OUTBOX_H

#include "corral_reader.h"

/* So many reports at most go into one frame. The server refuses a frame of more than 20,000. */
#define CORRAL_FRAME_REPORTS_MAX 5000

struct corral_outbox {
  enum corral_encoding encoding;
  /* Reports one behind the other, the oldest first, each with its number and its length before it. */
  uint8_t *bytes;
  size_t size;
  size_t length;
  /* While interrupted, nothing is known to get through. */
  bool is_interrupted;
  /* Reports after this one were made since sending works again. */
  uint64_t live_after;
};

/* What goes into one publish: the reports from one number to another. */
struct corral_frame {
  uint64_t from;
  uint64_t to;
  size_t length;
};

/* An empty outbox in a buffer of `size` bytes. */
void corral_outbox_open(
    struct corral_outbox *outbox, enum corral_encoding encoding, uint8_t *bytes, size_t size);

/* Takes a report; returns how many had to go for it, or -1 where the whole buffer is too small for it. */
int corral_outbox_add(struct corral_outbox *outbox, uint64_t seq, const uint8_t *report, size_t length);

/* Writes what to send now into a buffer; false when there is nothing, or no room for the first of it. */
bool corral_outbox_next(
    const struct corral_outbox *outbox, uint8_t *payload, size_t size, struct corral_frame *frame);

/* The frame was acknowledged. */
void corral_outbox_acked(struct corral_outbox *outbox, struct corral_frame frame);

/* A frame was not acknowledged: an outage, until one is. */
void corral_outbox_interrupt(struct corral_outbox *outbox);

#endif
