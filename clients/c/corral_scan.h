/*
 * What the two encodings do for corral_reader.c: each reads one token of its own syntax, and knows nothing of
 * the other. Not for ports.
 */
#ifndef CORRAL_SCAN_H
#define CORRAL_SCAN_H

#include "corral_reader.h"

/* The next token, as it stands there. Of keys that stand twice they know nothing. */
struct corral_token corral_json_next(struct corral_reader *reader);
struct corral_token corral_msgpack_next(struct corral_reader *reader);

/* A token without content. */
struct corral_token corral_token_of(enum corral_token_type type, size_t from);

/* The token of a flaw. */
struct corral_token corral_flaw(const struct corral_reader *reader);

/* Enters a map or list, of so many entries where they are announced; a flaw where it is nested too deep. */
struct corral_token corral_enter(struct corral_reader *reader, bool is_map, uint64_t entries, size_t from);

/* Leaves the map or list that the reader is in. */
struct corral_token corral_leave(struct corral_reader *reader, size_t from);

/* The map or list that the reader is in; there has to be one. */
struct corral_level *corral_level_of(struct corral_reader *reader);

/*
 * How many bytes the UTF-8 sequence takes that begins at `bytes`; 0 where none does: it is cut off, overlong,
 * half of a surrogate pair, or beyond U+10FFFF.
 */
size_t corral_utf8_length(const uint8_t *bytes, size_t length);

/* The value of a hexadecimal digit, or -1. */
int corral_hex_digit(uint8_t byte);

#endif
