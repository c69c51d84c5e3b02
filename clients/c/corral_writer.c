/* Writing. See corral_writer.h. */
#include "corral_writer.h"

#include <string.h>

#include "corral_scan.h"

void corral_writer_open(
    struct corral_writer *writer, enum corral_encoding encoding, uint8_t *bytes, size_t size) {
  memset(writer, 0, sizeof *writer);
  writer->encoding = encoding;
  writer->bytes = bytes;
  writer->size = size;
}

static bool is_json(const struct corral_writer *writer) { return writer->encoding == CORRAL_JSON; }

static void put(struct corral_writer *writer, const void *bytes, size_t length) {
  if (writer->is_flawed || length > writer->size - writer->length) {
    writer->is_flawed = true;
    return;
  }
  memcpy(writer->bytes + writer->length, bytes, length);
  writer->length += length;
}

static void put_byte(struct corral_writer *writer, uint8_t byte) { put(writer, &byte, 1); }

/* A head and a number of `size` bytes behind it, the highest byte first. */
static void put_head(struct corral_writer *writer, uint8_t head, uint64_t value, size_t size) {
  put_byte(writer, head);
  for (size_t index = size; index > 0; index -= 1) put_byte(writer, (uint8_t)(value >> (8 * (index - 1))));
}

/* What stands before every value and every key in JSON. */
static void separate(struct corral_writer *writer) {
  if (is_json(writer) && writer->needs_comma) put_byte(writer, ',');
  writer->needs_comma = true;
}

/* -------------------------------------------------------------------------------------------------------
 * structure */

/* A map or list. In MessagePack the heads of short ones hold their length, those of longer ones are followed
 * by it. */
static void begin(
    struct corral_writer *writer, char json, uint8_t short_head, uint8_t long_head, size_t entries) {
  separate(writer);
  writer->needs_comma = false;
  if (is_json(writer)) put_byte(writer, (uint8_t)json);
  else if (entries < 16) put_byte(writer, (uint8_t)(short_head | entries));
  else if (entries <= 0xffff) put_head(writer, long_head, entries, 2);
  else put_head(writer, (uint8_t)(long_head + 1), entries, 4);
}

static void end(struct corral_writer *writer, char json) {
  if (is_json(writer)) put_byte(writer, (uint8_t)json);
  writer->needs_comma = true;
}

void corral_write_map(struct corral_writer *writer, size_t entries) {
  begin(writer, '{', 0x80, 0xde, entries);
}

void corral_write_map_end(struct corral_writer *writer) { end(writer, '}'); }

void corral_write_list(struct corral_writer *writer, size_t entries) {
  begin(writer, '[', 0x90, 0xdc, entries);
}

void corral_write_list_end(struct corral_writer *writer) { end(writer, ']'); }

void corral_write_key(struct corral_writer *writer, const char *key) {
  /* It is no data to the JavaScript at the other end, which refuses the whole message. */
  if (strcmp(key, "__proto__") == 0) writer->is_flawed = true;
  corral_write_text(writer, key);
  if (is_json(writer)) put_byte(writer, ':');
  writer->needs_comma = false;
}

void corral_write_ready(struct corral_writer *writer, const uint8_t *bytes, size_t length) {
  separate(writer);
  put(writer, bytes, length);
}

/* -------------------------------------------------------------------------------------------------------
 * text */

static void put_escape(struct corral_writer *writer, uint8_t byte) {
  static const char digits[] = "0123456789abcdef";
  uint8_t escape[] = {'\\', 'u', '0', '0', (uint8_t)digits[byte >> 4], (uint8_t)digits[byte & 0x0f]};
  bool is_letter = byte == '"' || byte == '\\';
  if (is_letter) escape[1] = byte;
  put(writer, escape, is_letter ? 2 : sizeof escape);
}

static void put_json_text(struct corral_writer *writer, const uint8_t *text, size_t length) {
  put_byte(writer, '"');
  for (size_t at = 0; at < length; at += 1) {
    if (text[at] < 0x20 || text[at] == '"' || text[at] == '\\') put_escape(writer, text[at]);
    else put_byte(writer, text[at]);
  }
  put_byte(writer, '"');
}

static void put_msgpack_text(struct corral_writer *writer, const uint8_t *text, size_t length) {
  if (length < 32) put_byte(writer, (uint8_t)(0xa0 | length));
  else if (length <= 0xff) put_head(writer, 0xd9, length, 1);
  else if (length <= 0xffff) put_head(writer, 0xda, length, 2);
  else put_head(writer, 0xdb, length, 4);
  put(writer, text, length);
}

static bool is_utf8(const uint8_t *text, size_t length) {
  for (size_t at = 0; at < length;) {
    size_t character = corral_utf8_length(text + at, length - at);
    if (character == 0) return false;
    at += character;
  }
  return true;
}

void corral_write_text(struct corral_writer *writer, const char *text) {
  const uint8_t *bytes = (const uint8_t *)text;
  size_t length = strlen(text);
  separate(writer);
  if (!is_utf8(bytes, length)) writer->is_flawed = true;
  if (is_json(writer)) put_json_text(writer, bytes, length);
  else put_msgpack_text(writer, bytes, length);
}

/* -------------------------------------------------------------------------------------------------------
 * numbers */

/* The digits of a number, with a point before the last `decimals` of them. */
static void put_digits(struct corral_writer *writer, uint64_t magnitude, unsigned decimals) {
  uint8_t digits[24];
  size_t at = sizeof digits;
  for (unsigned written = 0; magnitude > 0 || written <= decimals; written += 1) {
    if (written == decimals && decimals > 0) digits[--at] = '.';
    digits[--at] = (uint8_t)('0' + magnitude % 10);
    magnitude /= 10;
  }
  put(writer, digits + at, sizeof digits - at);
}

/*
 * magnitude / divisor as a 64-bit float, rounded to the nearest, and halfway to the even one. The division
 * goes on bit by bit until there are the 53 bits of a mantissa and one more, which says where to round.
 */
static void put_float(struct corral_writer *writer, bool is_negative, uint64_t magnitude, uint64_t divisor) {
  uint64_t quotient = magnitude / divisor;
  uint64_t remainder = magnitude % divisor;
  int exponent = 0;
  for (; quotient < (UINT64_C(1) << 53); exponent -= 1) {
    remainder <<= 1;
    quotient = (quotient << 1) | (remainder >= divisor);
    if (remainder >= divisor) remainder -= divisor;
  }
  uint64_t mantissa = quotient >> 1;
  bool is_up = (quotient & 1) != 0 && (remainder != 0 || (mantissa & 1) != 0);
  mantissa += is_up;
  exponent += 1;
  if (mantissa == UINT64_C(1) << 53) {
    mantissa >>= 1;
    exponent += 1;
  }
  uint64_t sign = (uint64_t)is_negative << 63;
  uint64_t biased = (uint64_t)(exponent + 52 + 1023);
  put_head(writer, 0xcb, sign | (biased << 52) | (mantissa & ((UINT64_C(1) << 52) - 1)), 8);
}

/* The shortest form; from 2^32 on a float, as the server writes such numbers too. */
static void put_msgpack_whole(struct corral_writer *writer, uint64_t value) {
  if (value < 0x80) put_byte(writer, (uint8_t)value);
  else if (value <= 0xff) put_head(writer, 0xcc, value, 1);
  else if (value <= 0xffff) put_head(writer, 0xcd, value, 2);
  else if (value <= 0xffffffff) put_head(writer, 0xce, value, 4);
  else put_float(writer, false, value, 1);
}

static void put_msgpack_negative(struct corral_writer *writer, uint64_t magnitude) {
  uint64_t bits = UINT64_C(0) - magnitude;
  if (magnitude <= 0x20) put_byte(writer, (uint8_t)bits);
  else if (magnitude <= 0x80) put_head(writer, 0xd0, bits, 1);
  else if (magnitude <= 0x8000) put_head(writer, 0xd1, bits, 2);
  else if (magnitude <= UINT64_C(0x80000000)) put_head(writer, 0xd2, bits, 4);
  else put_float(writer, true, magnitude, 1);
}

void corral_write_whole(struct corral_writer *writer, uint64_t value) {
  separate(writer);
  if (value > CORRAL_NUMBER_MAX) writer->is_flawed = true;
  else if (is_json(writer)) put_digits(writer, value, 0);
  else put_msgpack_whole(writer, value);
}

void corral_write_decimal(struct corral_writer *writer, struct corral_decimal number) {
  bool is_negative = number.value < 0;
  uint64_t magnitude = is_negative ? UINT64_C(0) - (uint64_t)number.value : (uint64_t)number.value;
  uint64_t divisor = 1;
  unsigned decimals = number.decimals;
  separate(writer);
  if (magnitude > CORRAL_NUMBER_MAX || decimals > CORRAL_DECIMALS_MAX) {
    writer->is_flawed = true;
    return;
  }
  for (; decimals > 0 && magnitude % 10 == 0; decimals -= 1) magnitude /= 10;
  for (unsigned index = 0; index < decimals; index += 1) divisor *= 10;
  if (is_json(writer)) {
    if (is_negative) put_byte(writer, '-');
    put_digits(writer, magnitude, decimals);
  } else if (decimals > 0) put_float(writer, is_negative, magnitude, divisor);
  else if (is_negative) put_msgpack_negative(writer, magnitude);
  else put_msgpack_whole(writer, magnitude);
}

void corral_write_boolean(struct corral_writer *writer, bool value) {
  separate(writer);
  if (!is_json(writer)) put_byte(writer, value ? 0xc3 : 0xc2);
  else put(writer, value ? "true" : "false", value ? 4 : 5);
}
