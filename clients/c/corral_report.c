/* Writes reports. See corral_report.h. */
#include "corral_report.h"

#include <string.h>

static const char *const outcome_words[] = {"done", "rejected", "undecided", "unknown"};

static void write_number(struct corral_writer *writer, const char *key, uint64_t value) {
  corral_write_key(writer, key);
  corral_write_whole(writer, value);
}

static void write_optional(struct corral_writer *writer, const char *key, struct corral_optional number) {
  if (number.is_given) write_number(writer, key, number.value);
}

static void write_text(struct corral_writer *writer, const char *key, const char *text) {
  if (text == NULL) return;
  corral_write_key(writer, key);
  corral_write_text(writer, text);
}

/* -------------------------------------------------------------------------------------------------------
 * sensors */

static bool has_since(const struct corral_sensor *sensor) {
  return sensor->type == CORRAL_SENSOR_BINARY && sensor->since_ms.is_given;
}

static size_t count_values(const struct corral_report *report) {
  size_t count = 0;
  for (size_t index = 0; index < report->sensor_count; index += 1)
    count += report->sensors[index].type != CORRAL_SENSOR_ABSENT;
  return count;
}

static size_t count_since(const struct corral_report *report) {
  size_t count = 0;
  for (size_t index = 0; index < report->sensor_count; index += 1)
    count += has_since(&report->sensors[index]);
  return count;
}

/* The server refuses a map in which a key stands twice, and with it the whole report. */
static bool names_differ(const struct corral_report *report) {
  for (size_t index = 0; index < report->sensor_count; index += 1)
    for (size_t other = 0; other < index; other += 1)
      if (strcmp(report->sensors[index].name, report->sensors[other].name) == 0) return false;
  return true;
}

static void write_value(struct corral_writer *writer, const struct corral_sensor *sensor) {
  if (sensor->type == CORRAL_SENSOR_ABSENT) return;
  corral_write_key(writer, sensor->name);
  if (sensor->type == CORRAL_SENSOR_BINARY) corral_write_boolean(writer, sensor->binary);
  if (sensor->type == CORRAL_SENSOR_NUMBER) corral_write_decimal(writer, sensor->number);
  if (sensor->type == CORRAL_SENSOR_TEXT) corral_write_text(writer, sensor->text);
}

static void write_sensors(struct corral_writer *writer, const struct corral_report *report) {
  corral_write_key(writer, "sensors");
  corral_write_map(writer, count_values(report));
  for (size_t index = 0; index < report->sensor_count; index += 1)
    write_value(writer, &report->sensors[index]);
  corral_write_map_end(writer);
}

static void write_since(struct corral_writer *writer, const struct corral_report *report) {
  size_t count = count_since(report);
  if (count == 0) return;
  corral_write_key(writer, "since");
  corral_write_map(writer, count);
  for (size_t index = 0; index < report->sensor_count; index += 1) {
    const struct corral_sensor *sensor = &report->sensors[index];
    if (has_since(sensor)) write_number(writer, sensor->name, sensor->since_ms.value);
  }
  corral_write_map_end(writer);
}

/* -------------------------------------------------------------------------------------------------------
 * commands */

static void write_fence(struct corral_writer *writer, struct corral_optional fence) {
  if (!fence.is_given) return;
  corral_write_key(writer, "fence");
  corral_write_map(writer, 1);
  write_number(writer, "boot", fence.value);
  corral_write_map_end(writer);
}

static void write_entry(struct corral_writer *writer, const struct corral_entry *entry) {
  bool has_reason = entry->reason[0] != '\0';
  bool came_again = entry->executed_as != 0;
  corral_write_map(writer, (size_t)2 + has_reason + entry->fence.is_given + came_again);
  write_number(writer, "n", entry->n);
  write_text(writer, "outcome", outcome_words[entry->outcome]);
  write_text(writer, "reason", has_reason ? entry->reason : NULL);
  write_fence(writer, entry->fence);
  if (came_again) write_number(writer, "executedAs", entry->executed_as);
  corral_write_map_end(writer);
}

static void write_ring(struct corral_writer *writer, const struct corral_report *report) {
  if (report->ring == NULL) return;
  corral_write_key(writer, "commands");
  corral_write_list(writer, report->ring_length);
  for (size_t index = 0; index < report->ring_length; index += 1) write_entry(writer, &report->ring[index]);
  corral_write_list_end(writer);
}

static void write_hold(struct corral_writer *writer, const struct corral_report *report) {
  if (report->hold == NULL) return;
  corral_write_key(writer, "hold");
  corral_write_map(writer, 2);
  write_text(writer, "id", report->hold->id);
  write_number(writer, "leftMs", report->hold->ends_up - report->up);
  corral_write_map_end(writer);
}

/* ------------------------------------------------------------------------------------------------------- the
 * device */

static void write_config(struct corral_writer *writer, struct corral_optional version) {
  if (!version.is_given) return;
  corral_write_key(writer, "config");
  corral_write_map(writer, 1);
  write_number(writer, "version", version.value);
  corral_write_map_end(writer);
}

static void write_component(struct corral_writer *writer, const struct corral_component *component) {
  corral_write_map(writer, (size_t)3 + (component->firmware != NULL));
  write_text(writer, "slot", component->slot);
  write_text(writer, "model", component->model);
  write_text(writer, "serial", component->serial);
  write_text(writer, "firmware", component->firmware);
  corral_write_map_end(writer);
}

static void write_components(struct corral_writer *writer, const struct corral_report *report) {
  if (report->components == NULL) return;
  corral_write_key(writer, "components");
  corral_write_list(writer, report->component_count);
  for (size_t index = 0; index < report->component_count; index += 1)
    write_component(writer, &report->components[index]);
  corral_write_list_end(writer);
}

static void write_via(struct corral_writer *writer, const struct corral_report *report) {
  if (report->via == NULL) return;
  corral_write_key(writer, "via");
  corral_write_map(writer, 2);
  write_text(writer, "id", report->via);
  write_number(writer, "session", report->via_session);
  corral_write_map_end(writer);
}

/* MessagePack wants to know before the first field how many there are. */
static size_t count_fields(const struct corral_report *report) {
  size_t required = 5;
  size_t optional =
      (size_t)(report->at.is_given + (count_since(report) > 0) + (report->ring != NULL)) +
      (size_t)((report->hold != NULL) + (report->firmware != NULL) + report->config_version.is_given) +
      (size_t)((report->components != NULL) + (report->kind != NULL) + (report->via != NULL));
  return required + optional;
}

size_t corral_write_report(
    const struct corral_report *report, enum corral_encoding encoding, uint8_t *bytes, size_t size) {
  struct corral_writer writer;
  corral_writer_open(&writer, encoding, bytes, size);
  corral_write_map(&writer, count_fields(report));
  write_number(&writer, "boot", report->boot);
  write_number(&writer, "seq", report->seq);
  write_number(&writer, "up", report->up);
  write_optional(&writer, "at", report->at);
  write_text(&writer, "state", report->state);
  write_sensors(&writer, report);
  write_since(&writer, report);
  write_ring(&writer, report);
  write_hold(&writer, report);
  write_text(&writer, "firmware", report->firmware);
  write_config(&writer, report->config_version);
  write_components(&writer, report);
  write_text(&writer, "kind", report->kind);
  write_via(&writer, report);
  corral_write_map_end(&writer);
  return writer.is_flawed || !names_differ(report) ? 0 : writer.length;
}
