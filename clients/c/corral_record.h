/*
 * A memory as the bytes that a storage keeps: a format, whose memory it is, the memory, and a checksum over
 * all of it.
 *
 * A storage without a file system keeps two records, and writes over the older one: cut off in the middle,
 * the other one is still whole. `corral_record_writes` tells which is newer.
 */
#ifndef CORRAL_RECORD_H
#define CORRAL_RECORD_H

#include "corral_memory.h"

/* No record is longer. One of a device with a hold and a full ring has some 600 bytes. */
#define CORRAL_RECORD_BYTES_MAX 2048

enum corral_record_state {
  CORRAL_RECORD_READ,
  /* It is no record, or damaged. */
  CORRAL_RECORD_UNREADABLE,
  /* It is the memory of another device: two devices with one memory would be one identity twice. */
  CORRAL_RECORD_FOREIGN
};

/* Writes a record; returns its length. `device` is the id, of 1 to 64 bytes. */
size_t corral_write_record(
    const struct corral_memory *memory, const char *device, uint8_t record[CORRAL_RECORD_BYTES_MAX]);

/* Reads a record. The memory is only changed where it could be read. */
enum corral_record_state corral_read_record(
    const uint8_t *record, size_t length, const char *device, struct corral_memory *memory);

/* How often the memory in a record had been stored; 0 where it cannot be read. Of two, the higher one is
 * newer. */
uint64_t corral_record_writes(const uint8_t *record, size_t length);

#endif
