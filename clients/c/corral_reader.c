/* Reading: what both encodings have in common. See corral_reader.h. */
#include "corral_reader.h"

#include <string.h>

#include "corral_scan.h"

static bool announces_json(uint8_t first) {
  return first == '{' || first == '[' || first == ' ' || first == '\t' || first == '\n' || first == '\r';
}

static bool announces_msgpack(uint8_t first) {
  return (first >= 0x80 && first <= 0x9f) || (first >= 0xdc && first <= 0xdf);
}

bool corral_reader_open(struct corral_reader *reader, const uint8_t *bytes, size_t length) {
  memset(reader, 0, sizeof *reader);
  reader->bytes = bytes;
  reader->length = length;
  if (length == 0) return false;
  reader->encoding = announces_json(bytes[0]) ? CORRAL_JSON : CORRAL_MSGPACK;
  return announces_json(bytes[0]) || announces_msgpack(bytes[0]);
}

static struct corral_token next_of(struct corral_reader *reader) {
  return reader->encoding == CORRAL_JSON ? corral_json_next(reader) : corral_msgpack_next(reader);
}

/*
 * Whether the map that the reader is in has had this key before. The map is read once more from its beginning
 * up to the key: that is slow where a map has very many keys, and needs no memory at all.
 */
static bool stands_twice(const struct corral_reader *reader, const struct corral_token *key) {
  struct corral_reader earlier = *reader;
  const struct corral_level *level = &reader->levels[reader->depth - 1];
  earlier.at = level->begin;
  earlier.depth = 1;
  earlier.levels[0] = *level;
  earlier.levels[0].is_fresh = true;
  earlier.levels[0].awaits_value = false;
  earlier.levels[0].left = level->entries;
  for (;;) {
    struct corral_token token = next_of(&earlier);
    if (token.type == CORRAL_TOKEN_FLAW || token.from >= key->from) return false;
    if (token.is_key && earlier.depth == 1 && corral_text_equals(token.text, key->text)) return true;
  }
}

/* Whether a map may not have this key. */
static bool is_foul(struct corral_reader *reader, const struct corral_token *key) {
  struct corral_level *level = corral_level_of(reader);
  level->keys += 1;
  /* It is no data to the JavaScript at the other end: whoever copies the map there would change what the copy
   * is. */
  return level->keys > CORRAL_KEYS_MAX || corral_text_is(key->text, "__proto__") || stands_twice(reader, key);
}

struct corral_token corral_reader_next(struct corral_reader *reader) {
  if (reader->is_flawed) return corral_flaw(reader);
  struct corral_token token = next_of(reader);
  if (token.is_key && is_foul(reader, &token)) token = corral_flaw(reader);
  reader->is_flawed = token.type == CORRAL_TOKEN_FLAW;
  return token;
}

bool corral_reader_skip(struct corral_reader *reader) {
  unsigned depth = reader->depth;
  do {
    struct corral_token token = corral_reader_next(reader);
    bool ends_more = reader->depth < depth;
    if (token.type == CORRAL_TOKEN_FLAW || token.type == CORRAL_TOKEN_END || ends_more) return false;
  } while (reader->depth > depth);
  return true;
}

/* -------------------------------------------------------------------------------------------------------
 * tokens and levels */

struct corral_token corral_token_of(enum corral_token_type type, size_t from) {
  struct corral_token token;
  memset(&token, 0, sizeof token);
  token.type = type;
  token.from = from;
  return token;
}

struct corral_token corral_flaw(const struct corral_reader *reader) {
  return corral_token_of(CORRAL_TOKEN_FLAW, reader->at);
}

struct corral_level *corral_level_of(struct corral_reader *reader) {
  return &reader->levels[reader->depth - 1];
}

struct corral_token corral_enter(struct corral_reader *reader, bool is_map, uint64_t entries, size_t from) {
  if (reader->depth == CORRAL_DEPTH_MAX) return corral_flaw(reader);
  reader->depth += 1;
  struct corral_level *level = corral_level_of(reader);
  level->is_map = is_map;
  level->awaits_value = false;
  level->is_fresh = true;
  level->left = entries;
  level->entries = entries;
  level->begin = reader->at;
  level->keys = 0;
  return corral_token_of(is_map ? CORRAL_TOKEN_MAP : CORRAL_TOKEN_LIST, from);
}

struct corral_token corral_leave(struct corral_reader *reader, size_t from) {
  bool is_map = corral_level_of(reader)->is_map;
  reader->depth -= 1;
  return corral_token_of(is_map ? CORRAL_TOKEN_MAP_END : CORRAL_TOKEN_LIST_END, from);
}

/* -------------------------------------------------------------------------------------------------------
 * text */

/* A text being unescaped, byte by byte. It was found to be right when its token was read. */
struct unescaping {
  struct corral_text text;
  size_t at;
  /* The UTF-8 bytes of an escape that are still to come. */
  uint8_t pending[4];
  size_t pending_at;
  size_t pending_end;
};

static uint32_t hex_of(const uint8_t *digits) {
  uint32_t value = 0;
  for (int index = 0; index < 4; index += 1) value = value * 16 + (uint32_t)corral_hex_digit(digits[index]);
  return value;
}

static uint32_t escaped_character(struct unescaping *unescaping) {
  const uint8_t *escape = unescaping->text.bytes + unescaping->at;
  static const char letters[] = "bfnrt";
  static const char meanings[] = "\b\f\n\r\t";
  if (escape[1] != 'u') {
    unescaping->at += 2;
    const char *letter = strchr(letters, escape[1]);
    return letter == NULL ? escape[1] : (uint8_t)meanings[letter - letters];
  }
  unescaping->at += 6;
  uint32_t unit = hex_of(escape + 2);
  if (unit < 0xd800 || unit > 0xdbff) return unit;
  unescaping->at += 6;
  return 0x10000 + ((unit - 0xd800) << 10) + (hex_of(escape + 8) - 0xdc00);
}

static void write_utf8(struct unescaping *unescaping, uint32_t character) {
  static const uint8_t lead[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
  size_t length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
  for (size_t index = length - 1; index > 0; index -= 1) {
    unescaping->pending[index] = (uint8_t)(0x80 | (character & 0x3f));
    character >>= 6;
  }
  unescaping->pending[0] = (uint8_t)(lead[length] | character);
  unescaping->pending_at = 0;
  unescaping->pending_end = length;
}

/* The next byte of the text, or -1 at its end. */
static int next_byte(struct unescaping *unescaping) {
  const struct corral_text *text = &unescaping->text;
  if (unescaping->pending_at == unescaping->pending_end) {
    if (unescaping->at >= text->length) return -1;
    if (!text->is_escaped || text->bytes[unescaping->at] != '\\') return text->bytes[unescaping->at++];
    write_utf8(unescaping, escaped_character(unescaping));
  }
  return unescaping->pending[unescaping->pending_at++];
}

static struct unescaping unescape(struct corral_text text) {
  struct unescaping unescaping;
  memset(&unescaping, 0, sizeof unescaping);
  unescaping.text = text;
  return unescaping;
}

bool corral_text_equals(struct corral_text text, struct corral_text other) {
  struct unescaping left = unescape(text);
  struct unescaping right = unescape(other);
  for (;;) {
    int byte = next_byte(&left);
    if (byte != next_byte(&right)) return false;
    if (byte == -1) return true;
  }
}

bool corral_text_is(struct corral_text text, const char *other) {
  struct corral_text plain = {(const uint8_t *)other, strlen(other), false};
  return corral_text_equals(text, plain);
}

size_t corral_text_characters(struct corral_text text) {
  struct unescaping unescaping = unescape(text);
  size_t characters = 0;
  for (int byte = next_byte(&unescaping); byte != -1; byte = next_byte(&unescaping)) {
    bool continues = (byte & 0xc0) == 0x80;
    characters += continues ? 0 : byte >= 0xf0 ? 2 : 1;
  }
  return characters;
}

bool corral_text_copy(struct corral_text text, char *into, size_t size) {
  struct unescaping unescaping = unescape(text);
  for (size_t length = 0; length < size; length += 1) {
    int byte = next_byte(&unescaping);
    into[length] = byte == -1 ? '\0' : (char)byte;
    if (byte == -1) return true;
  }
  return false;
}

size_t corral_utf8_length(const uint8_t *bytes, size_t length) {
  static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (length == 0) return 0;
  uint8_t first = bytes[0];
  if (first < 0x80) return 1;
  size_t needed = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc0 || first > 0xf7 || needed > length) return 0;
  uint32_t character = first & (0xffu >> (needed + 1));
  for (size_t index = 1; index < needed; index += 1) {
    if ((bytes[index] & 0xc0) != 0x80) return 0;
    character = (character << 6) | (bytes[index] & 0x3fu);
  }
  bool is_surrogate = character >= 0xd800 && character <= 0xdfff;
  return character < smallest[needed] || character > 0x10ffff || is_surrogate ? 0 : needed;
}

int corral_hex_digit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  uint8_t lower = byte | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}
