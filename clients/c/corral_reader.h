/*
 * Reads a payload value by value, in JSON or in MessagePack (docs/protocol.md, "Encodings"). The first byte
 * tells which.
 *
 * The core reads both, and leaves neither to its port. What decides whether a device is right is here: which
 * payloads are no command, what a number beyond 2^32 looks like, that a field may stand anywhere and an
 * unknown one is passed over. Fields that a port had decoded would be as good as that port's library, and
 * libraries differ in exactly these things.
 *
 * Nothing is copied and nothing is allocated: a token points into the payload. Whoever reads on after a flaw
 * gets the flaw again. A payload is refused as a whole when it holds what nobody may send: text that is not
 * UTF-8 or holds a NUL character, a key that stands twice or is named __proto__, a whole number beyond 2^53 -
 * 1, binary values, deeper nesting than CORRAL_DEPTH_MAX.
 */
#ifndef CORRAL_READER_H
#define CORRAL_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest whole number of the protocol: 2^53 - 1. */
#define CORRAL_NUMBER_MAX UINT64_C(9007199254740991)

/* So deep maps and lists may be nested. What is nested deeper is a flaw. */
#define CORRAL_DEPTH_MAX 16

/* So many keys a map may have. One more is a flaw: to look for keys that stand twice takes time that grows
 * with their square. */
#define CORRAL_KEYS_MAX 1024

enum corral_encoding { CORRAL_JSON, CORRAL_MSGPACK };

/* A number. Fractions are not kept: no field that a device has to read may have one. */
struct corral_number {
  /* False for a fraction, and for what is beyond 2^53 - 1. */
  bool is_whole;
  bool is_negative;
  /* Without its sign, where it is whole. */
  uint64_t magnitude;
};

/* Text as it stands in the payload. In JSON it may hold escapes: compare and copy it with the functions
 * below. */
struct corral_text {
  const uint8_t *bytes;
  size_t length;
  bool is_escaped;
};

enum corral_token_type {
  CORRAL_TOKEN_MAP,
  CORRAL_TOKEN_MAP_END,
  CORRAL_TOKEN_LIST,
  CORRAL_TOKEN_LIST_END,
  CORRAL_TOKEN_TEXT,
  CORRAL_TOKEN_NUMBER,
  CORRAL_TOKEN_BOOLEAN,
  CORRAL_TOKEN_NULL,
  /* The payload has ended, and was whole. */
  CORRAL_TOKEN_END,
  CORRAL_TOKEN_FLAW
};

struct corral_token {
  enum corral_token_type type;
  /* It is the key of a map; its value is what comes next. */
  bool is_key;
  /* Where it begins in the payload. */
  size_t from;
  struct corral_text text;
  struct corral_number number;
  bool boolean;
};

/* A map or list that the reader is in. */
struct corral_level {
  bool is_map;
  /* In a map: the key has been read, and its value has not. */
  bool awaits_value;
  /* Nothing of it has been read. */
  bool is_fresh;
  /* In MessagePack: entries that are still to come. */
  uint64_t left;
  /* How many entries it has, in MessagePack, and where the first one begins. */
  uint64_t entries;
  size_t begin;
  /* Of a map: keys that have been read. */
  unsigned keys;
};

/* A payload being read. Some 700 bytes, for the stack. */
struct corral_reader {
  const uint8_t *bytes;
  size_t length;
  enum corral_encoding encoding;
  size_t at;
  bool has_begun;
  bool is_flawed;
  unsigned depth;
  struct corral_level levels[CORRAL_DEPTH_MAX];
};

/* Begins to read. False when the first byte begins neither a map nor a list: then there is nothing to read.
 */
bool corral_reader_open(struct corral_reader *reader, const uint8_t *bytes, size_t length);

/* The next token. */
struct corral_token corral_reader_next(struct corral_reader *reader);

/* Passes over the value that comes next, with all that is in it. False when there is none, or a flaw in it.
 */
bool corral_reader_skip(struct corral_reader *reader);

/* Whether two texts are the same. */
bool corral_text_equals(struct corral_text text, struct corral_text other);

/* Whether a text is the one of a C string. */
bool corral_text_is(struct corral_text text, const char *other);

/* How many characters a text has, as the protocol counts them: in UTF-16, where what is beyond U+FFFF counts
 * as two. */
size_t corral_text_characters(struct corral_text text);

/* Copies a text as UTF-8, with a NUL behind it. False when `size` bytes are too few; then what was copied is
 * no text. */
bool corral_text_copy(struct corral_text text, char *into, size_t size);

#endif
