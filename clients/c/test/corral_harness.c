/*
 * Lets a test ask the core, one question a line on standard input and one answer a line on standard output.
 * Words of a question are separated by spaces; payloads and texts that may hold anything are in hexadecimal,
 * and `-` is for what is not there. Test code: it uses the library, and trusts its questions.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../corral_device.h"

#define LINE_BYTES_MAX 4000000
#define WORDS_MAX 64

static char line[LINE_BYTES_MAX];
static struct corral_memory memory;

/* -------------------------------------------------------------------------------------------------------
 * words and bytes */

static size_t split(char *text, const char *separators, char **words, size_t most) {
  size_t count = 0;
  for (char *word = strtok(text, separators); word != NULL && count < most; word = strtok(NULL, separators))
    words[count++] = word;
  return count;
}

static bool is_absent(const char *word) { return strcmp(word, "-") == 0; }

static uint64_t number(const char *word) { return strtoull(word, NULL, 10); }

static struct corral_optional optional(const char *word) {
  struct corral_optional value = {!is_absent(word), is_absent(word) ? 0 : number(word)};
  return value;
}

static unsigned nibble(char digit) { return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10); }

/* Bytes in memory of exactly their length, so that a sanitizer sees whoever reads beyond their end. */
static uint8_t *bytes_of(const char *word, size_t *length) {
  *length = is_absent(word) ? 0 : strlen(word) / 2;
  uint8_t *bytes = malloc(*length == 0 ? 1 : *length);
  for (size_t at = 0; at < *length; at += 1)
    bytes[at] = (uint8_t)(nibble(word[2 * at]) * 16 + nibble(word[2 * at + 1]));
  return *length == 0 ? realloc(bytes, 1) : bytes;
}

/* A text that lasts as long as the process. */
static char *text_of(const char *word) {
  size_t length;
  uint8_t *bytes = bytes_of(word, &length);
  char *text = malloc(length + 1);
  memcpy(text, bytes, length);
  text[length] = '\0';
  free(bytes);
  return text;
}

static void print_hex(const void *bytes, size_t length) {
  for (size_t at = 0; at < length; at += 1) printf("%02x", ((const uint8_t *)bytes)[at]);
}

static void print_optional(struct corral_optional value) {
  if (value.is_given) printf(" %" PRIu64, value.value);
  else printf(" -");
}

/* -------------------------------------------------------------------------------------------------------
 * reading */

static void answer_read(const uint8_t *payload, size_t length) {
  struct corral_command command;
  if (!corral_read_command(payload, length, &command)) {
    printf("none\n");
    return;
  }
  printf("%" PRIu64 " %" PRIu64 " ", command.n, command.epoch);
  print_hex(command.id, strlen(command.id));
  printf(command.name[0] == '\0' ? " -" : " ");
  print_hex(command.name, strlen(command.name));
  print_optional(command.boot);
  print_optional(command.not_after_up);
  print_optional(command.hold_ms);
  printf(command.args_length == 0 ? " -" : " ");
  print_hex(command.args, command.args_length);
  printf("\n");
}

static void answer_plain(const uint8_t *payload, size_t length) {
  struct corral_reader reader;
  bool is_plain = corral_reader_open(&reader, payload, length) && corral_reader_skip(&reader);
  printf("%s\n", is_plain && corral_reader_next(&reader).type == CORRAL_TOKEN_END ? "yes" : "no");
}

/* ------------------------------------------------------------------------------------------------------- the
 * memory */

static const char *const outcomes[] = {"done", "rejected", "undecided", "unknown"};

static enum corral_outcome outcome_of(const char *word) {
  for (int outcome = 0; outcome < 4; outcome += 1)
    if (strcmp(outcomes[outcome], word) == 0) return (enum corral_outcome)outcome;
  fprintf(stderr, "no outcome: %s\n", word);
  exit(2);
}

static void print_entry(const struct corral_entry *entry) {
  printf("{\"n\":%" PRIu64 ",\"outcome\":\"%s\"", entry->n, outcomes[entry->outcome]);
  if (entry->reason[0] != '\0') printf(",\"reason\":\"%s\"", entry->reason);
  if (entry->fence.is_given) printf(",\"fence\":{\"boot\":%" PRIu64 "}", entry->fence.value);
  if (entry->executed_as != 0) printf(",\"executedAs\":%" PRIu64, entry->executed_as);
  printf("}");
}

static void print_numbers(const char *name, const struct corral_begun *begun, size_t count) {
  printf(",\"%s\":[", name);
  for (size_t index = 0; index < count; index += 1)
    printf("%s%" PRIu64, index == 0 ? "" : ",", begun[index].n);
  printf("]");
}

static void answer_memory(const char *became) {
  printf("{\"became\":\"%s\",\"isSound\":%s", became, corral_memory_is_sound(&memory) ? "true" : "false");
  printf(
      ",\"boot\":%" PRIu64 ",\"highestN\":%" PRIu64 ",\"highestEpoch\":%" PRIu64, memory.boot,
      memory.highest_n, memory.highest_epoch);
  printf(",\"ring\":[");
  for (size_t index = 0; index < memory.ring_length; index += 1) {
    if (index > 0) printf(",");
    print_entry(&memory.ring[index]);
  }
  printf("],\"hold\":");
  if (memory.hold.lasts)
    printf(
        "{\"id\":\"%s\",\"endsUp\":%" PRIu64 ",\"chargedUp\":%" PRIu64 "}", memory.hold.id,
        memory.hold.ends_up, memory.hold.charged_up);
  else printf("null");
  print_numbers("begun", &memory.begun, memory.begun.n == 0 ? 0 : 1);
  print_numbers("undecided", memory.undecided, memory.undecided_count);
  printf(",\"executed\":[");
  for (size_t index = 0; index < memory.executed_count; index += 1)
    printf("%s%" PRIu64, index == 0 ? "" : ",", memory.executed[index].n);
  printf("]");
  printf("}\n");
}

/* remember n outcome reason */
static void answer_remember(char **words) {
  struct corral_begun begun;
  struct corral_entry entry =
      corral_entry_of(number(words[1]), outcome_of(words[2]), is_absent(words[3]) ? NULL : words[3]);
  memset(&begun, 0, sizeof begun);
  begun.n = entry.n;
  if (entry.outcome == CORRAL_UNDECIDED) corral_remember_undecided(&memory, begun, entry.reason);
  else corral_remember_outcome(&memory, entry);
  answer_memory("remembered");
}

/* memory boot highest-n highest-epoch hold-id hold-ends-up */
static void answer_set(char **words) {
  memset(&memory, 0, sizeof memory);
  memory.boot = number(words[1]);
  memory.highest_n = number(words[2]);
  memory.highest_epoch = number(words[3]);
  if (!is_absent(words[4])) {
    char *id = text_of(words[4]);
    memory.hold.lasts = true;
    strcpy(memory.hold.id, id);
    memory.hold.ends_up = number(words[5]);
    memory.hold.charged_up = memory.hold.ends_up;
    free(id);
  }
  answer_memory("set");
}

/* A device that knows `reserve` and `release`, and with hardware `start`, which ends the hold, `lift`, which
 * begins one, and `stop`. */
static struct corral_verdict judge(
    void *context, const struct corral_command *command, const struct corral_hold *hold, uint64_t up) {
  struct corral_verdict verdict = {NULL, CORRAL_HOLD_KEPT, false};
  (void)context;
  (void)up;
  if (strcmp(command->name, "reserve") == 0) {
    verdict.refusal = hold == NULL ? NULL : "busy";
    verdict.hold = CORRAL_HOLD_BEGINS;
  } else if (strcmp(command->name, "release") == 0) {
    verdict.hold = CORRAL_HOLD_ENDS;
  } else if (strcmp(command->name, "start") == 0) {
    verdict.hold = CORRAL_HOLD_ENDS;
    verdict.acts = true;
  } else if (strcmp(command->name, "lift") == 0) {
    verdict.hold = CORRAL_HOLD_BEGINS;
    verdict.acts = true;
  } else if (strcmp(command->name, "stop") == 0) {
    verdict.acts = true;
  } else {
    verdict.refusal = "unknown-command";
  }
  return verdict;
}

/* receive up hold-charge-ms payload */
static void answer_receive(char **words) {
  static const char *const became[] = {"repeated", "executed-before", "refused", "done", "begun"};
  struct corral_moment moment = {number(words[1]), number(words[2]), judge, NULL};
  struct corral_command command;
  size_t length;
  uint8_t *payload = bytes_of(words[3], &length);
  bool is_read = corral_read_command(payload, length, &command);
  answer_memory(is_read ? became[corral_receive(&memory, &command, &moment)] : "unreadable");
  free(payload);
}

static struct corral_result result_of(const char *outcome, const char *reason) {
  struct corral_result result = {outcome_of(outcome), is_absent(reason) ? NULL : reason};
  return result;
}

/* boot first-boot hold-charge-ms shown: the next boot, with the same shown of all that was begun or undecided
 */
static void answer_boot(char **words) {
  static const char *const shown[] = {"executed", "not-executed", "undecided", "nothing"};
  struct corral_begun left[CORRAL_UNDECIDED_MAX + 1];
  int index = 0;
  while (strcmp(shown[index], words[3]) != 0) index += 1;
  corral_next_boot(&memory, number(words[1]), number(words[2]));
  size_t count = corral_unsettled(&memory, left);
  for (size_t at = 0; at < count; at += 1)
    corral_settle_after_restart(&memory, left[at], (enum corral_shown)index);
  answer_memory("booted");
}

/* record device: the memory as a record; load device record: and back */
static void answer_record(char **words) {
  uint8_t record[CORRAL_RECORD_BYTES_MAX];
  memory.writes += 1;
  print_hex(record, corral_write_record(&memory, words[1], record));
  printf("\n");
}

static void answer_load(char **words) {
  static const char *const became[] = {"read", "unreadable", "foreign"};
  size_t length;
  uint8_t *record = bytes_of(words[2], &length);
  uint64_t writes = corral_record_writes(record, length);
  enum corral_record_state state = corral_read_record(record, length, words[1], &memory);
  if (state == CORRAL_RECORD_READ && writes != memory.writes)
    answer_memory("read with another number of writes");
  else answer_memory(became[state]);
  free(record);
}

/* -------------------------------------------------------------------------------------------------------
 * reports */

static struct corral_report report;
static struct corral_sensor sensors[CORRAL_SENSORS_MAX];
static struct corral_entry ring[CORRAL_RING_SIZE];
static struct corral_hold hold;
static struct corral_component components[8];

static void set_name(char **words) {
  memset(&report, 0, sizeof report);
  report.boot = number(words[1]);
  report.seq = number(words[2]);
  report.up = number(words[3]);
  report.state = text_of(words[4]);
  report.sensors = sensors;
}

/* sensor name type value decimals since */
static void add_sensor(char **words) {
  struct corral_sensor *sensor = &sensors[report.sensor_count++];
  memset(sensor, 0, sizeof *sensor);
  sensor->name = text_of(words[1]);
  if (strcmp(words[2], "binary") == 0) {
    sensor->type = CORRAL_SENSOR_BINARY;
    sensor->binary = strcmp(words[3], "true") == 0;
  } else if (strcmp(words[2], "number") == 0) {
    sensor->type = CORRAL_SENSOR_NUMBER;
    sensor->number.value = strtoll(words[3], NULL, 10);
    sensor->number.decimals = (unsigned)number(words[4]);
  } else if (strcmp(words[2], "text") == 0) {
    sensor->type = CORRAL_SENSOR_TEXT;
    sensor->text = text_of(words[3]);
  }
  sensor->since_ms = optional(words[5]);
}

/* command n outcome reason fence */
static void add_entry(char **words) {
  report.ring = ring;
  if (is_absent(words[1])) return;
  struct corral_entry entry =
      corral_entry_of(number(words[1]), outcome_of(words[2]), is_absent(words[3]) ? NULL : words[3]);
  entry.fence = optional(words[4]);
  ring[report.ring_length++] = entry;
}

static void set_hold(char **words) {
  char *id = text_of(words[1]);
  memset(&hold, 0, sizeof hold);
  strcpy(hold.id, id);
  hold.ends_up = report.up + number(words[2]);
  report.hold = &hold;
  free(id);
}

static void add_component(char **words) {
  struct corral_component component = {
      text_of(words[1]), text_of(words[2]), text_of(words[3]),
      is_absent(words[4]) ? NULL : text_of(words[4])};
  components[report.component_count++] = component;
  report.components = components;
}

/* write encoding size */
static void answer_write(char **words) {
  size_t size = (size_t)number(words[2]);
  uint8_t *bytes = malloc(size);
  enum corral_encoding encoding = strcmp(words[1], "json") == 0 ? CORRAL_JSON : CORRAL_MSGPACK;
  size_t length = corral_write_report(&report, encoding, bytes, size);
  printf(length == 0 ? "none" : "");
  print_hex(bytes, length);
  printf("\n");
  free(bytes);
}

static void set_via(char **words) {
  report.via = text_of(words[1]);
  report.via_session = number(words[2]);
}

/* Parts of a report, which answer nothing. */
static bool take_part(char **words) {
  if (strcmp(words[0], "report") == 0) set_name(words);
  else if (strcmp(words[0], "at") == 0) report.at = optional(words[1]);
  else if (strcmp(words[0], "sensor") == 0) add_sensor(words);
  else if (strcmp(words[0], "command") == 0) add_entry(words);
  else if (strcmp(words[0], "hold") == 0) set_hold(words);
  else if (strcmp(words[0], "firmware") == 0) report.firmware = text_of(words[1]);
  else if (strcmp(words[0], "config") == 0) report.config_version = optional(words[1]);
  else if (strcmp(words[0], "component") == 0) add_component(words);
  else if (strcmp(words[0], "kind") == 0) report.kind = text_of(words[1]);
  else if (strcmp(words[0], "via") == 0) set_via(words);
  else return false;
  return true;
}

/* ------------------------------------------------------------------------------------------------------- the
 * outbox */

static struct corral_outbox outbox;
static struct corral_frame frame;

/* outbox encoding size */
static void answer_outbox(char **words) {
  free(outbox.bytes);
  size_t size = (size_t)number(words[2]);
  corral_outbox_open(
      &outbox, strcmp(words[1], "json") == 0 ? CORRAL_JSON : CORRAL_MSGPACK, malloc(size), size);
  printf("open\n");
}

static void answer_add(char **words) {
  size_t length;
  uint8_t *bytes = bytes_of(words[2], &length);
  printf("%d\n", corral_outbox_add(&outbox, number(words[1]), bytes, length));
  free(bytes);
}

static void answer_next(char **words) {
  size_t size = (size_t)number(words[1]);
  uint8_t *payload = malloc(size);
  bool is_there = corral_outbox_next(&outbox, payload, size, &frame);
  if (is_there) printf("%" PRIu64 " %" PRIu64 " ", frame.from, frame.to);
  else printf("none");
  print_hex(payload, is_there ? frame.length : 0);
  printf("\n");
  free(payload);
}

/* -------------------------------------------------------------------------------------------------------
 * questions */

static void answer_bytes(char **words, void (*answer)(const uint8_t *, size_t)) {
  size_t length;
  uint8_t *bytes = bytes_of(words[1], &length);
  answer(bytes, length);
  free(bytes);
}

static void answer_ack(const uint8_t *payload, size_t length) {
  printf("%s\n", corral_is_ack(payload, length) ? "yes" : "no");
}

static void answer_of_memory(char **words) {
  if (strcmp(words[0], "memory") == 0) answer_set(words);
  else if (strcmp(words[0], "remember") == 0) answer_remember(words);
  else if (strcmp(words[0], "receive") == 0) answer_receive(words);
  else if (strcmp(words[0], "boot") == 0) answer_boot(words);
  else if (strcmp(words[0], "record") == 0) answer_record(words);
  else if (strcmp(words[0], "load") == 0) answer_load(words);
  else if (strcmp(words[0], "pass") == 0)
    answer_memory(corral_pass_time(&memory, number(words[1]), number(words[2])) ? "changed" : "unchanged");
  else if (strcmp(words[0], "finish") == 0) {
    corral_finish(&memory, result_of(words[1], words[2]));
    answer_memory("finished");
  } else if (strcmp(words[0], "amend") == 0) {
    bool is_amended = corral_amend(&memory, number(words[1]), result_of(words[2], words[3]));
    answer_memory(is_amended ? "amended" : "ignored");
  } else {
    fprintf(stderr, "no question: %s\n", words[0]);
    exit(2);
  }
}

static void answer(char **words) {
  if (strcmp(words[0], "read") == 0) answer_bytes(words, answer_read);
  else if (strcmp(words[0], "plain") == 0) answer_bytes(words, answer_plain);
  else if (strcmp(words[0], "ack") == 0) answer_bytes(words, answer_ack);
  else if (strcmp(words[0], "write") == 0) answer_write(words);
  else if (strcmp(words[0], "outbox") == 0) answer_outbox(words);
  else if (strcmp(words[0], "add") == 0) answer_add(words);
  else if (strcmp(words[0], "next") == 0) answer_next(words);
  else if (strcmp(words[0], "acked") == 0 || strcmp(words[0], "interrupt") == 0) {
    if (words[0][0] == 'a') corral_outbox_acked(&outbox, frame);
    else corral_outbox_interrupt(&outbox);
    printf("%zu\n", outbox.length);
  } else answer_of_memory(words);
}

int main(void) {
  char *words[WORDS_MAX];
  while (fgets(line, sizeof line, stdin) != NULL) {
    size_t count = split(line, " \n", words, WORDS_MAX - 6);
    for (size_t index = count; index < count + 6; index += 1) words[index] = "-";
    if (count > 0 && !take_part(words)) answer(words);
    fflush(stdout);
  }
  return 0;
}
