/* The one message that a device receives (docs/protocol.md, "Commands"), and the answer to what it publishes.
 */
#ifndef CORRAL_COMMAND_H
#define CORRAL_COMMAND_H

#include "corral_reader.h"

/* An id has at most 64 characters, so many bytes in UTF-8. */
#define CORRAL_ID_BYTES_MAX 192

/* A command with a longer name cannot be one that a device knows: all names of all kinds are shorter by far.
 */
#define CORRAL_NAME_BYTES_MAX 64

/* What bears a higher number or epoch is no command: to remember it would end the device's hearing for good.
 */
#define CORRAL_COMMAND_N_MAX (UINT64_C(1) << 40)
#define CORRAL_EPOCH_MAX (UINT64_C(1) << 44)

/* A number that may be left out. */
struct corral_optional {
  bool is_given;
  uint64_t value;
};

/* A command that could be read. */
struct corral_command {
  uint64_t n;
  uint64_t epoch;
  char id[CORRAL_ID_BYTES_MAX + 1];
  /* Empty where it is longer than CORRAL_NAME_BYTES_MAX, which no command that anybody knows is. */
  char name[CORRAL_NAME_BYTES_MAX + 1];
  /* Execute it in this boot only, */
  struct corral_optional boot;
  /* start it only while the own uptime is at most this, ms, */
  struct corral_optional not_after_up;
  /* and let go by yourself after this, ms. */
  struct corral_optional hold_ms;
  /* The map of arguments as it stands in the payload, to be read with a corral_reader; of length 0 where none
   * were given. */
  const uint8_t *args;
  size_t args_length;
};

/* Reads a command in either encoding. False where the payload is none: it is to be counted and ignored. */
bool corral_read_command(const uint8_t *payload, size_t length, struct corral_command *command);

/* Whether the answer to a publish says that it was stored: a JSON map with a `seq`, without an `error` and
 * without a `duplicate` that is true. */
bool corral_is_ack(const uint8_t *payload, size_t length);

#endif
