/* See charge_point.h. */
#include "charge_point.h"

#include <string.h>

/* Power while charging, W. */
#define POWER_W 11000

const struct corral_component charge_point_components[1] = {{"controller", "example", "1", NULL}};

static struct corral_sensor binary(const char *name, bool value) {
  struct corral_sensor sensor = {.name = name, .type = CORRAL_SENSOR_BINARY, .binary = value};
  return sensor;
}

struct corral_reading charge_point_read(struct charge_point *point, const struct corral_hold *hold) {
  struct corral_sensor power = {.name = "powerW", .type = CORRAL_SENSOR_NUMBER};
  power.number.value = point->is_charging ? POWER_W : 0;
  point->sensors[0] = binary("hatchOpen", point->is_charging);
  point->sensors[1] = binary("cableConnected", point->is_charging);
  point->sensors[2] = binary("carPresent", point->is_charging);
  point->sensors[3] = power;
  struct corral_reading reading = {
      .sensors = point->sensors, .sensor_count = CHARGE_POINT_SENSORS, .firmware = "example"};
  reading.state = point->is_charging ? "charging" : hold != NULL ? "reserved" : "available";
  return reading;
}

static struct corral_verdict refuse(const char *reason) {
  struct corral_verdict verdict = {reason, CORRAL_HOLD_KEPT, false};
  return verdict;
}

static struct corral_verdict accept(enum corral_hold_change hold, bool acts) {
  struct corral_verdict verdict = {NULL, hold, acts};
  return verdict;
}

struct corral_verdict charge_point_judge(
    const struct charge_point *point, const struct corral_command *command, const struct corral_hold *hold) {
  const char *name = command->name;
  if (strcmp(name, "reserve") == 0)
    return point->is_charging || hold != NULL ? refuse("busy") : accept(CORRAL_HOLD_BEGINS, false);
  if (strcmp(name, "release") == 0) return accept(CORRAL_HOLD_ENDS, false);
  if (strcmp(name, "start") == 0) return point->is_charging ? refuse("busy") : accept(CORRAL_HOLD_ENDS, true);
  if (strcmp(name, "stop") == 0)
    return point->is_charging ? accept(CORRAL_HOLD_KEPT, true) : refuse("not-charging");
  if (strcmp(name, "reboot") == 0)
    return point->is_charging ? refuse("busy") : accept(CORRAL_HOLD_KEPT, true);
  return refuse("unknown-command");
}

struct corral_result charge_point_act(struct charge_point *point, const struct corral_command *command) {
  struct corral_result done = {CORRAL_DONE, NULL};
  point->is_charging = strcmp(command->name, "start") == 0;
  return done;
}
