/* The one message that a device sends: its whole state at one moment (docs/protocol.md, "The report"). */
#ifndef CORRAL_REPORT_H
#define CORRAL_REPORT_H

#include "corral_memory.h"
#include "corral_writer.h"

enum corral_sensor_type {
  /* It has no value now: it is broken, say. It is left out of the report. */
  CORRAL_SENSOR_ABSENT,
  CORRAL_SENSOR_BINARY,
  CORRAL_SENSOR_NUMBER,
  CORRAL_SENSOR_TEXT
};

/* A sensor with its value, under its name in the kind. */
struct corral_sensor {
  const char *name;
  enum corral_sensor_type type;
  bool binary;
  struct corral_decimal number;
  const char *text;
  /* Of a binary one: for how long it has been as it is, ms before `up`. Filled in by corral_device.c. */
  struct corral_optional since_ms;
};

/* A part that the inventory scan has found. `firmware` is NULL where it has none. */
struct corral_component {
  const char *slot;
  const char *model;
  const char *serial;
  const char *firmware;
};

/* A report. What is NULL, or not given, is left out. */
struct corral_report {
  uint64_t boot;
  uint64_t seq;
  uint64_t up;
  struct corral_optional at;
  const char *state;
  const struct corral_sensor *sensors;
  size_t sensor_count;
  /* The ring; NULL for a device that takes no commands at all. */
  const struct corral_entry *ring;
  size_t ring_length;
  const struct corral_hold *hold;
  const char *firmware;
  struct corral_optional config_version;
  const struct corral_component *components;
  size_t component_count;
  const char *kind;
  /* The id of who speaks for the device, and its boot; NULL where the device speaks itself. */
  const char *via;
  uint64_t via_session;
};

/*
 * Writes a report; returns its length. 0 where the buffer is too small, or where the report is not to be
 * sent: it holds text that is not UTF-8, a number beyond 2^53 - 1, or two sensors of one name.
 */
size_t corral_write_report(
    const struct corral_report *report, enum corral_encoding encoding, uint8_t *bytes, size_t size);

#endif
