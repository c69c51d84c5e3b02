/*
 * A charge point without hardware: nobody uses it but the commands that it gets. Its relay falls open when
 * the power goes, so after a restart nothing shows what was executed before.
 */
#ifndef CHARGE_POINT_H
#define CHARGE_POINT_H

#include "../corral_device.h"

#define CHARGE_POINT_SENSORS 4

struct charge_point {
  bool is_charging;
  struct corral_sensor sensors[CHARGE_POINT_SENSORS];
};

struct corral_reading charge_point_read(struct charge_point *point, const struct corral_hold *hold);
struct corral_verdict charge_point_judge(
    const struct charge_point *point, const struct corral_command *command, const struct corral_hold *hold);
struct corral_result charge_point_act(struct charge_point *point, const struct corral_command *command);

/* What the scan finds at the start. */
extern const struct corral_component charge_point_components[1];

#endif
