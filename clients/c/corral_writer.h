/*
 * Writes values in JSON or in MessagePack, into a buffer of the caller's. What nobody may send is not
 * written: text that is not UTF-8, a whole number beyond 2^53 - 1. Then, and when the buffer is too small,
 * the writer is flawed, and what it holds is of no use.
 *
 * It computes without floating point, so that what a device writes does not depend on its compiler.
 */
#ifndef CORRAL_WRITER_H
#define CORRAL_WRITER_H

#include "corral_reader.h"

/* A number has at most so many decimals. */
#define CORRAL_DECIMALS_MAX 9

struct corral_writer {
  enum corral_encoding encoding;
  uint8_t *bytes;
  size_t size;
  size_t length;
  bool is_flawed;
  /* In JSON: something stands before what is written next in the same map or list. */
  bool needs_comma;
};

/* A number in decimal: value / 10^decimals. Voltages, degrees and kilowatt hours have a few decimals, and no
 * device needs a float. */
struct corral_decimal {
  int64_t value;
  unsigned decimals;
};

/* Begins to write. */
void corral_writer_open(
    struct corral_writer *writer, enum corral_encoding encoding, uint8_t *bytes, size_t size);

/* A map or list of so many entries, and its end behind the last of them. */
void corral_write_map(struct corral_writer *writer, size_t entries);
void corral_write_map_end(struct corral_writer *writer);
void corral_write_list(struct corral_writer *writer, size_t entries);
void corral_write_list_end(struct corral_writer *writer);

/* The key of a map; its value comes next. */
void corral_write_key(struct corral_writer *writer, const char *key);

void corral_write_text(struct corral_writer *writer, const char *text);
void corral_write_whole(struct corral_writer *writer, uint64_t value);
void corral_write_decimal(struct corral_writer *writer, struct corral_decimal number);
void corral_write_boolean(struct corral_writer *writer, bool value);

/* A value that is written already, in the same encoding, as the next item of a list. */
void corral_write_ready(struct corral_writer *writer, const uint8_t *bytes, size_t length);

#endif
