/* Reads MessagePack, as far as it is plain data. See corral_scan.h. */
#include <string.h>

#include "corral_scan.h"

/* Reads `size` bytes as a whole number, the highest byte first. False where the payload ends before. */
static bool take_bytes(struct corral_reader *reader, size_t size, uint64_t *value) {
  *value = 0;
  if (reader->length - reader->at < size) return false;
  for (size_t index = 0; index < size; index += 1) *value = (*value << 8) | reader->bytes[reader->at++];
  return true;
}

/* -------------------------------------------------------------------------------------------------------
 * text */

/* Text of so many bytes, behind its head. */
static struct corral_token take_text(struct corral_reader *reader, uint64_t length, size_t from) {
  struct corral_token token = corral_token_of(CORRAL_TOKEN_TEXT, from);
  if (length > reader->length - reader->at) return corral_flaw(reader);
  token.text.bytes = reader->bytes + reader->at;
  token.text.length = (size_t)length;
  for (size_t left = token.text.length; left > 0;) {
    size_t character = corral_utf8_length(reader->bytes + reader->at, left);
    if (character == 0 || reader->bytes[reader->at] == 0) return corral_flaw(reader);
    reader->at += character;
    left -= character;
  }
  return token;
}

static bool begins_text(uint8_t head) {
  return (head >= 0xa0 && head <= 0xbf) || (head >= 0xd9 && head <= 0xdb);
}

/* -------------------------------------------------------------------------------------------------------
 * numbers */

static struct corral_token whole(
    struct corral_reader *reader, bool is_negative, uint64_t magnitude, size_t from) {
  struct corral_token token = corral_token_of(CORRAL_TOKEN_NUMBER, from);
  if (magnitude > CORRAL_NUMBER_MAX) return corral_flaw(reader);
  token.number.is_whole = true;
  token.number.is_negative = is_negative;
  token.number.magnitude = magnitude;
  return token;
}

static struct corral_token take_unsigned(struct corral_reader *reader, size_t size, size_t from) {
  uint64_t value;
  return take_bytes(reader, size, &value) ? whole(reader, false, value, from) : corral_flaw(reader);
}

static struct corral_token take_signed(struct corral_reader *reader, size_t size, size_t from) {
  uint64_t value;
  if (!take_bytes(reader, size, &value)) return corral_flaw(reader);
  uint64_t sign = UINT64_C(1) << (size * 8 - 1);
  if ((value & sign) == 0) return whole(reader, false, value, from);
  uint64_t mask = sign | (sign - 1);
  return whole(reader, true, ((value ^ mask) + 1) & mask, from);
}

/*
 * A float is mantissa * 2^exponent. It is taken apart by its bits, so that this needs no floating point, and
 * no 64-bit `double`: whole numbers from 2^32 on come as floats.
 */
static struct corral_number whole_of_float(bool is_negative, uint64_t mantissa, int exponent) {
  struct corral_number number = {false, false, 0};
  for (; mantissa > 0 && (mantissa & 1) == 0; mantissa >>= 1) exponent += 1;
  if (mantissa > 0 && exponent < 0) return number;
  for (; mantissa > 0 && exponent > 0; exponent -= 1) {
    if (mantissa > CORRAL_NUMBER_MAX / 2) return number;
    mantissa <<= 1;
  }
  number.is_whole = true;
  number.is_negative = is_negative && mantissa > 0;
  number.magnitude = mantissa;
  return number;
}

/* A float of `size` bytes, of which so many bits are the fraction. Infinity and what is no number at all is a
 * flaw. */
static struct corral_token take_float(
    struct corral_reader *reader, size_t size, int fraction_bits, size_t from) {
  struct corral_token token = corral_token_of(CORRAL_TOKEN_NUMBER, from);
  uint64_t bits;
  if (!take_bytes(reader, size, &bits)) return corral_flaw(reader);
  int exponent_bits = (int)size * 8 - 1 - fraction_bits;
  int exponent_max = (1 << exponent_bits) - 1;
  int biased = (int)(bits >> fraction_bits) & exponent_max;
  uint64_t fraction = bits & ((UINT64_C(1) << fraction_bits) - 1);
  if (biased == exponent_max) return corral_flaw(reader);
  bool is_negative = (bits >> (size * 8 - 1)) != 0;
  uint64_t mantissa = biased == 0 ? fraction : fraction | (UINT64_C(1) << fraction_bits);
  int exponent = (biased == 0 ? 1 : biased) - exponent_max / 2 - fraction_bits;
  token.number = whole_of_float(is_negative, mantissa, exponent);
  return token;
}

/* -------------------------------------------------------------------------------------------------------
 * structure */

/* Text, a map or a list, of which the length is a number of `size` bytes behind the head. */
static struct corral_token take_long(struct corral_reader *reader, uint8_t head, size_t size, size_t from) {
  uint64_t length;
  if (!take_bytes(reader, size, &length)) return corral_flaw(reader);
  if (begins_text(head)) return take_text(reader, length, from);
  return corral_enter(reader, head >= 0xde, length, from);
}

static struct corral_token boolean(bool value, size_t from) {
  struct corral_token token = corral_token_of(CORRAL_TOKEN_BOOLEAN, from);
  token.boolean = value;
  return token;
}

/* Reads the value that begins here. Binary values, extensions and time stamps are flaws, as is 0xc1, which
 * begins nothing. */
static struct corral_token take_value(struct corral_reader *reader) {
  size_t from = reader->at;
  uint64_t byte;
  if (!take_bytes(reader, 1, &byte)) return corral_flaw(reader);
  uint8_t head = (uint8_t)byte;
  if (head < 0x80) return whole(reader, false, head, from);
  if (head < 0x90) return corral_enter(reader, true, head & 0x0f, from);
  if (head < 0xa0) return corral_enter(reader, false, head & 0x0f, from);
  if (head < 0xc0) return take_text(reader, head & 0x1f, from);
  if (head >= 0xe0) return whole(reader, true, UINT64_C(256) - head, from);
  switch (head) {
    case 0xc0:
      return corral_token_of(CORRAL_TOKEN_NULL, from);
    case 0xc2:
    case 0xc3:
      return boolean(head == 0xc3, from);
    case 0xca:
      return take_float(reader, 4, 23, from);
    case 0xcb:
      return take_float(reader, 8, 52, from);
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      return take_unsigned(reader, (size_t)1 << (head - 0xcc), from);
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
      return take_signed(reader, (size_t)1 << (head - 0xd0), from);
    case 0xd9:
      return take_long(reader, head, 1, from);
    case 0xda:
    case 0xdc:
    case 0xde:
      return take_long(reader, head, 2, from);
    case 0xdb:
    case 0xdd:
    case 0xdf:
      return take_long(reader, head, 4, from);
    default:
      return corral_flaw(reader);
  }
}

static struct corral_token take_key(struct corral_reader *reader) {
  bool is_text = reader->at < reader->length && begins_text(reader->bytes[reader->at]);
  if (!is_text) return corral_flaw(reader);
  struct corral_token key = take_value(reader);
  key.is_key = key.type == CORRAL_TOKEN_TEXT;
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
  if (level->left == 0) return corral_leave(reader, reader->at);
  level->left -= 1;
  return level->is_map ? take_key(reader) : take_value(reader);
}

struct corral_token corral_msgpack_next(struct corral_reader *reader) {
  if (reader->depth > 0) return next_inside(reader);
  if (reader->has_begun)
    return reader->at == reader->length ? corral_token_of(CORRAL_TOKEN_END, reader->at) : corral_flaw(reader);
  reader->has_begun = true;
  return take_value(reader);
}
