/* Reads JSON as RFC 8259 has it, and nothing that looks like it. See corral_scan.h. */
#include <string.h>

#include "corral_scan.h"

/* The byte at which the reader is, or -1 at the end. */
static int peek(const struct corral_reader *reader) {
  return reader->at < reader->length ? reader->bytes[reader->at] : -1;
}

static void skip_space(struct corral_reader *reader) {
  for (int byte = peek(reader); byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
       byte = peek(reader))
    reader->at += 1;
}

/* Passes over a byte, if it is there. */
static bool take(struct corral_reader *reader, char expected) {
  if (peek(reader) != (uint8_t)expected) return false;
  reader->at += 1;
  return true;
}

static bool take_word(struct corral_reader *reader, const char *word) {
  size_t length = strlen(word);
  if (reader->length - reader->at < length || memcmp(reader->bytes + reader->at, word, length) != 0)
    return false;
  reader->at += length;
  return true;
}

/* -------------------------------------------------------------------------------------------------------
 * strings */

/* The UTF-16 unit of an escape \uXXXX that stands here, or -1. */
static int32_t take_unit(struct corral_reader *reader) {
  int32_t unit = 0;
  if (!take_word(reader, "\\u")) return -1;
  for (int index = 0; index < 4; index += 1) {
    int byte = peek(reader);
    int digit = byte == -1 ? -1 : corral_hex_digit((uint8_t)byte);
    if (digit == -1) return -1;
    unit = unit * 16 + digit;
    reader->at += 1;
  }
  return unit;
}

/* Passes over an escape. False where it is none, a NUL character, or half of a surrogate pair. */
static bool take_escape(struct corral_reader *reader) {
  bool is_unit = reader->length - reader->at >= 2 && reader->bytes[reader->at + 1] == 'u';
  if (!is_unit) {
    reader->at += 1;
    int letter = peek(reader);
    if (letter <= 0 || strchr("\"\\/bfnrt", letter) == NULL) return false;
    reader->at += 1;
    return true;
  }
  int32_t unit = take_unit(reader);
  if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff)) return false;
  if (unit < 0xd800 || unit > 0xdfff) return true;
  int32_t low = take_unit(reader);
  return low >= 0xdc00 && low <= 0xdfff;
}

/* Reads the string that begins here. */
static struct corral_token take_text(struct corral_reader *reader) {
  struct corral_token token = corral_token_of(CORRAL_TOKEN_TEXT, reader->at);
  if (!take(reader, '"')) return corral_flaw(reader);
  token.text.bytes = reader->bytes + reader->at;
  for (int byte = peek(reader); byte != '"'; byte = peek(reader)) {
    if (byte < 0x20) return corral_flaw(reader);
    if (byte == '\\') {
      token.text.is_escaped = true;
      if (!take_escape(reader)) return corral_flaw(reader);
      continue;
    }
    size_t length = corral_utf8_length(reader->bytes + reader->at, reader->length - reader->at);
    if (length == 0) return corral_flaw(reader);
    reader->at += length;
  }
  token.text.length = (size_t)(reader->bytes + reader->at - token.text.bytes);
  reader->at += 1;
  return token;
}

/* -------------------------------------------------------------------------------------------------------
 * numbers */

/* Beyond so many digits before the point, a number is infinite to whoever reads it as a 64-bit float. */
#define DIGITS_MAX 309

/* Beyond so much an exponent is not counted: it is too large by far already. */
#define EXPONENT_MAX 100000

/* A number in decimal: magnitude * 10^exponent. */
struct decimal {
  uint64_t magnitude;
  long exponent;
  /* It has more digits than the magnitude can hold. */
  bool is_long;
  /* Digits from the first that is not zero. */
  long digits;
};

/* Takes a digit behind those that there are. Zeros wait in the exponent until another digit comes behind
 * them. */
static void push_digit(struct decimal *decimal, unsigned digit) {
  if (decimal->digits > 0 || digit > 0) decimal->digits += 1;
  if (digit == 0) {
    if (decimal->magnitude > 0) decimal->exponent += 1;
    return;
  }
  for (decimal->exponent += 1; decimal->exponent > 0; decimal->exponent -= 1) {
    if (decimal->magnitude > UINT64_MAX / 100) decimal->is_long = true;
    else decimal->magnitude *= 10;
  }
  decimal->magnitude += digit;
}

/* Passes over digits; returns how many. */
static long take_digits(struct corral_reader *reader, struct decimal *decimal) {
  long count = 0;
  for (int byte = peek(reader); byte >= '0' && byte <= '9'; byte = peek(reader)) {
    push_digit(decimal, (unsigned)(byte - '0'));
    reader->at += 1;
    count += 1;
  }
  return count;
}

/* Reads an exponent, if one stands here. False where it has no digits. */
static bool take_exponent(struct corral_reader *reader, long *exponent) {
  *exponent = 0;
  if (!take(reader, 'e') && !take(reader, 'E')) return true;
  bool is_negative = take(reader, '-');
  if (!is_negative) take(reader, '+');
  size_t from = reader->at;
  for (int byte = peek(reader); byte >= '0' && byte <= '9'; byte = peek(reader)) {
    if (*exponent < EXPONENT_MAX) *exponent = *exponent * 10 + (byte - '0');
    reader->at += 1;
  }
  if (is_negative) *exponent = -*exponent;
  return reader->at > from;
}

/* The whole number that a decimal is, if it is one that the protocol has. */
static struct corral_number whole_of(struct decimal decimal, bool is_negative) {
  struct corral_number number = {false, false, 0};
  if (decimal.is_long || (decimal.magnitude > 0 && decimal.exponent < 0)) return number;
  for (; decimal.magnitude > 0 && decimal.exponent > 0; decimal.exponent -= 1) {
    if (decimal.magnitude > CORRAL_NUMBER_MAX / 10) return number;
    decimal.magnitude *= 10;
  }
  if (decimal.magnitude > CORRAL_NUMBER_MAX) return number;
  number.is_whole = true;
  number.is_negative = is_negative && decimal.magnitude > 0;
  number.magnitude = decimal.magnitude;
  return number;
}

/* Reads the number that begins here. */
static struct corral_token take_number(struct corral_reader *reader) {
  struct corral_token token = corral_token_of(CORRAL_TOKEN_NUMBER, reader->at);
  struct decimal decimal = {0, 0, false, 0};
  bool is_negative = take(reader, '-');
  bool begins_with_zero = peek(reader) == '0';
  long before = take_digits(reader, &decimal);
  if (before == 0 || (begins_with_zero && before > 1)) return corral_flaw(reader);
  long digits = decimal.digits;
  long behind = 0;
  if (take(reader, '.')) {
    behind = take_digits(reader, &decimal);
    if (behind == 0) return corral_flaw(reader);
  }
  size_t mantissa_end = reader->at;
  long exponent;
  if (!take_exponent(reader, &exponent)) return corral_flaw(reader);
  bool is_plain = behind == 0 && reader->at == mantissa_end;
  bool is_infinite = decimal.magnitude > 0 && digits + exponent > DIGITS_MAX;
  decimal.exponent += exponent - behind;
  token.number = whole_of(decimal, is_negative);
  bool is_rounded = is_plain && !token.number.is_whole;
  return is_infinite || is_rounded ? corral_flaw(reader) : token;
}

/* -------------------------------------------------------------------------------------------------------
 * structure */

static struct corral_token take_boolean(struct corral_reader *reader, const char *word) {
  struct corral_token token = corral_token_of(CORRAL_TOKEN_BOOLEAN, reader->at);
  token.boolean = word[0] == 't';
  return take_word(reader, word) ? token : corral_flaw(reader);
}

/* Reads the value that begins here. */
static struct corral_token take_value(struct corral_reader *reader) {
  size_t from = reader->at;
  switch (peek(reader)) {
    case '{':
    case '[': {
      bool is_map = peek(reader) == '{';
      reader->at += 1;
      return corral_enter(reader, is_map, 0, from);
    }
    case '"':
      return take_text(reader);
    case 't':
      return take_boolean(reader, "true");
    case 'f':
      return take_boolean(reader, "false");
    case 'n':
      return take_word(reader, "null") ? corral_token_of(CORRAL_TOKEN_NULL, from) : corral_flaw(reader);
    default:
      return take_number(reader);
  }
}

static struct corral_token take_key(struct corral_reader *reader) {
  struct corral_token key = take_text(reader);
  skip_space(reader);
  if (key.type == CORRAL_TOKEN_FLAW || !take(reader, ':')) return corral_flaw(reader);
  key.is_key = true;
  corral_level_of(reader)->awaits_value = true;
  return key;
}

/* What comes next in the map or list that the reader is in. */
static struct corral_token next_inside(struct corral_reader *reader) {
  struct corral_level *level = corral_level_of(reader);
  if (level->awaits_value) {
    level->awaits_value = false;
    return take_value(reader);
  }
  size_t from = reader->at;
  if (take(reader, level->is_map ? '}' : ']')) return corral_leave(reader, from);
  if (!level->is_fresh && !take(reader, ',')) return corral_flaw(reader);
  level->is_fresh = false;
  skip_space(reader);
  return level->is_map ? take_key(reader) : take_value(reader);
}

struct corral_token corral_json_next(struct corral_reader *reader) {
  skip_space(reader);
  if (reader->depth > 0) return next_inside(reader);
  if (reader->has_begun)
    return reader->at == reader->length ? corral_token_of(CORRAL_TOKEN_END, reader->at) : corral_flaw(reader);
  reader->has_begun = true;
  return take_value(reader);
}
