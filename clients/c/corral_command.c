/* Reads commands and acks. See corral_command.h. */
#include "corral_command.h"

#include <string.h>

/* An id and a name have so many characters. */
#define CHARACTERS_MAX 64

/* The fields that a command has to have, as they are found. */
struct found {
  bool n;
  bool epoch;
  bool id;
  bool name;
};

static bool read_number(struct corral_reader *reader, uint64_t least, uint64_t most, uint64_t *value) {
  struct corral_token token = corral_reader_next(reader);
  struct corral_number number = token.number;
  if (token.type != CORRAL_TOKEN_NUMBER || !number.is_whole || number.is_negative) return false;
  *value = number.magnitude;
  return number.magnitude >= least && number.magnitude <= most;
}

static bool read_optional(struct corral_reader *reader, struct corral_optional *optional) {
  optional->is_given = true;
  return read_number(reader, 0, CORRAL_NUMBER_MAX, &optional->value);
}

/* Reads a text of 1 to 64 characters. */
static bool read_text(struct corral_reader *reader, struct corral_text *text) {
  struct corral_token token = corral_reader_next(reader);
  if (token.type != CORRAL_TOKEN_TEXT) return false;
  *text = token.text;
  size_t characters = corral_text_characters(token.text);
  return characters >= 1 && characters <= CHARACTERS_MAX;
}

static bool read_id(struct corral_reader *reader, struct corral_command *command) {
  struct corral_text text;
  return read_text(reader, &text) && corral_text_copy(text, command->id, sizeof command->id);
}

static bool read_name(struct corral_reader *reader, struct corral_command *command) {
  struct corral_text text;
  if (!read_text(reader, &text)) return false;
  if (!corral_text_copy(text, command->name, sizeof command->name)) command->name[0] = '\0';
  return true;
}

/* The arguments are the body's to read. Here they only have to be a map. */
static bool read_args(struct corral_reader *reader, struct corral_command *command) {
  struct corral_reader ahead = *reader;
  struct corral_token token = corral_reader_next(&ahead);
  if (token.type != CORRAL_TOKEN_MAP || !corral_reader_skip(reader)) return false;
  command->args = reader->bytes + token.from;
  command->args_length = reader->at - token.from;
  return true;
}

/* Reads the value of a field, or passes over one that is not known yet. */
static bool read_field(
    struct corral_reader *reader, struct corral_text key, struct corral_command *command,
    struct found *found) {
  if (corral_text_is(key, "n")) return found->n = read_number(reader, 1, CORRAL_COMMAND_N_MAX, &command->n);
  if (corral_text_is(key, "epoch"))
    return found->epoch = read_number(reader, 0, CORRAL_EPOCH_MAX, &command->epoch);
  if (corral_text_is(key, "id")) return found->id = read_id(reader, command);
  if (corral_text_is(key, "name")) return found->name = read_name(reader, command);
  if (corral_text_is(key, "args")) return read_args(reader, command);
  if (corral_text_is(key, "boot")) return read_optional(reader, &command->boot);
  if (corral_text_is(key, "notAfterUp")) return read_optional(reader, &command->not_after_up);
  if (corral_text_is(key, "holdMs")) return read_optional(reader, &command->hold_ms);
  return corral_reader_skip(reader);
}

bool corral_read_command(const uint8_t *payload, size_t length, struct corral_command *command) {
  struct corral_reader reader;
  struct found found = {false, false, false, false};
  memset(command, 0, sizeof *command);
  if (!corral_reader_open(&reader, payload, length)) return false;
  if (corral_reader_next(&reader).type != CORRAL_TOKEN_MAP) return false;
  for (;;) {
    struct corral_token token = corral_reader_next(&reader);
    if (token.type == CORRAL_TOKEN_MAP_END) break;
    if (!token.is_key || !read_field(&reader, token.text, command, &found)) return false;
  }
  bool is_whole = corral_reader_next(&reader).type == CORRAL_TOKEN_END;
  return is_whole && found.n && found.epoch && found.id && found.name;
}

/* Looks at the value that comes next, and leaves it to be read. */
static bool next_is_true(struct corral_reader reader) {
  struct corral_token value = corral_reader_next(&reader);
  return value.type == CORRAL_TOKEN_BOOLEAN && value.boolean;
}

bool corral_is_ack(const uint8_t *payload, size_t length) {
  struct corral_reader reader;
  bool has_seq = false;
  bool has_error = false;
  bool is_duplicate = false;
  if (!corral_reader_open(&reader, payload, length) || reader.encoding != CORRAL_JSON) return false;
  if (corral_reader_next(&reader).type != CORRAL_TOKEN_MAP) return false;
  for (;;) {
    struct corral_token token = corral_reader_next(&reader);
    if (token.type == CORRAL_TOKEN_MAP_END) break;
    if (!token.is_key) return false;
    uint64_t seq;
    bool is_seq = corral_text_is(token.text, "seq");
    if (corral_text_is(token.text, "error")) has_error = true;
    if (corral_text_is(token.text, "duplicate")) is_duplicate = next_is_true(reader);
    if (is_seq) has_seq = read_number(&reader, 1, CORRAL_NUMBER_MAX, &seq);
    if (is_seq ? !has_seq : !corral_reader_skip(&reader)) return false;
  }
  return corral_reader_next(&reader).type == CORRAL_TOKEN_END && has_seq && !has_error && !is_duplicate;
}
