/* A running device: takes what comes, lets the rules decide, stores, and only then lets anything leave. See
 * corral_device.h. */
#include "corral_device.h"

#include <string.h>

static const char reboot[] = "reboot";

struct corral_config corral_default_config(const char *device) {
  struct corral_config config;
  memset(&config, 0, sizeof config);
  config.device = device;
  config.encoding = CORRAL_MSGPACK;
  config.heartbeat_ms = 60000;
  config.hold_charge_ms = 10000;
  config.ack_timeout_ms = 5000;
  config.retry_first_ms = 250;
  config.retry_longest_ms = 10000;
  return config;
}

static uint64_t uptime(const struct corral_device *device) {
  return device->ports.uptime(device->ports.context);
}

static bool is_running(const struct corral_device *device) { return device->status == CORRAL_RUNNING; }

/* -------------------------------------------------------------------------------------------------------
 * storing */

/* Stores the memory, where it has changed. False when nothing may leave any more. */
static bool store(struct corral_device *device) {
  if (!is_running(device)) return false;
  if (!device->is_memory_unstored) return true;
  device->memory.writes += 1;
  size_t length = corral_write_record(&device->memory, device->config.device, device->record);
  if (length == 0 || !device->ports.store(device->ports.context, device->record, length)) {
    device->status = CORRAL_STORAGE_FAILED;
    return false;
  }
  device->is_memory_unstored = false;
  return true;
}

/* A decision has changed the memory. It counts from now on (I4), and leaves the device when it is stored. */
static void note_change(struct corral_device *device) { device->is_memory_unstored = true; }

/* As `note_change`, where the change may have ended a hold: its end is reported at once. */
static void note_hold(struct corral_device *device, bool lasted) {
  note_change(device);
  if (lasted && !device->memory.hold.lasts) device->is_change_due = true;
}

static void pass_time(struct corral_device *device, uint64_t up) {
  bool lasted = device->memory.hold.lasts;
  if (corral_pass_time(&device->memory, up, device->config.hold_charge_ms)) note_hold(device, lasted);
}

/* Reads what the boots before have left. */
static bool load(struct corral_device *device) {
  size_t length = device->ports.load(device->ports.context, device->record, sizeof device->record);
  if (length == CORRAL_LOAD_FAILED) {
    device->status = CORRAL_STORAGE_FAILED;
    return false;
  }
  /* A damaged record is a lost one: the first boot, a random number, keeps what is said now apart from what
   * was said before. */
  if (corral_read_record(device->record, length, device->config.device, &device->memory) ==
      CORRAL_RECORD_FOREIGN)
    device->status = CORRAL_STORAGE_FOREIGN;
  return is_running(device);
}

/* -------------------------------------------------------------------------------------------------------
 * reports */

/* Notes which binary sensors have changed by uptime `up`, whether or not a report follows. */
static void observe(struct corral_device *device, const struct corral_reading *reading, uint64_t up) {
  for (size_t index = 0; index < reading->sensor_count && index < CORRAL_SENSORS_MAX; index += 1) {
    const struct corral_sensor *sensor = &reading->sensors[index];
    struct corral_binary_change *change = &device->changes[index];
    if (sensor->type != CORRAL_SENSOR_BINARY || (change->is_known && change->value == sensor->binary))
      continue;
    /* What a sensor was at the start, that could not be read then, nobody knows. */
    change->is_dated = change->is_known || device->seq == 0;
    change->changed_up = change->is_known ? up : 0;
    change->is_known = true;
    change->value = sensor->binary;
  }
}

/* The sensors with how long each binary one has been as it is. */
static void fill_in_since(
    const struct corral_device *device, const struct corral_reading *reading, uint64_t up,
    struct corral_sensor *sensors) {
  for (size_t index = 0; index < reading->sensor_count; index += 1) {
    sensors[index] = reading->sensors[index];
    sensors[index].since_ms.is_given = device->changes[index].is_dated;
    sensors[index].since_ms.value = up - device->changes[index].changed_up;
  }
}

/* Makes a report of this moment in the frame buffer; returns its length, 0 where that is impossible. */
static size_t write_report(struct corral_device *device, uint64_t up) {
  const struct corral_ports *ports = &device->ports;
  struct corral_sensor sensors[CORRAL_SENSORS_MAX];
  struct corral_report report;
  const struct corral_hold *hold = corral_hold_at(&device->memory, up);
  struct corral_reading reading = ports->read(ports->context, hold, up);
  if (reading.sensor_count > CORRAL_SENSORS_MAX) return 0;
  observe(device, &reading, up);
  fill_in_since(device, &reading, up, sensors);
  memset(&report, 0, sizeof report);
  report.boot = device->memory.boot;
  report.seq = device->seq + 1;
  report.up = up;
  report.at.is_given = ports->wall != NULL;
  if (report.at.is_given) report.at.value = ports->wall(ports->context);
  report.state = reading.state;
  report.sensors = sensors;
  report.sensor_count = reading.sensor_count;
  report.ring = device->memory.ring;
  report.ring_length = device->memory.ring_length;
  report.hold = hold;
  report.firmware = reading.firmware;
  report.config_version = reading.config_version;
  bool is_first = device->seq == 0;
  report.components = is_first ? device->config.components : NULL;
  report.component_count = is_first ? device->config.component_count : 0;
  report.kind = device->config.kind;
  report.via = device->config.via;
  report.via_session = device->config.via_session;
  return corral_write_report(
      &report, device->config.encoding, device->config.frame, device->config.frame_size);
}

/* Stores whatever the memory has learnt, makes a report that says so, and lets it wait to be sent. */
static void record(struct corral_device *device, uint64_t up) {
  if (!store(device)) return;
  size_t length = write_report(device, up);
  int dropped =
      length == 0 ? -1 : corral_outbox_add(&device->outbox, device->seq + 1, device->config.frame, length);
  if (dropped < 0) {
    device->status = CORRAL_REPORT_IMPOSSIBLE;
    return;
  }
  device->seq += 1;
  device->last_report_up = up;
  device->is_change_due = false;
  device->counts.dropped_reports += (uint64_t)dropped;
}

/* -------------------------------------------------------------------------------------------------------
 * sending */

/* The pause after so many failures in a row; a little shorter by device, so that a fleet does not try again
 * as one. */
static uint64_t pause_ms(const struct corral_device *device) {
  uint64_t pause = device->config.retry_first_ms;
  uint32_t hash = 2166136261u;
  for (unsigned failure = 1; failure < device->failures && pause < device->config.retry_longest_ms;
       failure += 1)
    pause *= 2;
  if (pause > device->config.retry_longest_ms) pause = device->config.retry_longest_ms;
  for (const char *at = device->config.device; *at != '\0'; at += 1) hash = (hash ^ (uint8_t)*at) * 16777619u;
  return pause - pause * (hash % 256) / 1024;
}

/* The publish in flight, or the one that could not be sent, was not acknowledged. */
static void fail_publish(struct corral_device *device, uint64_t up) {
  device->is_in_flight = false;
  device->failures += 1;
  device->counts.failed_publishes += 1;
  device->retry_up = up + pause_ms(device);
  corral_outbox_interrupt(&device->outbox);
}

/* There are signs that the link works: a pause ends at once. */
static void retry_now(struct corral_device *device) {
  if (device->failures > 1) device->failures = 1;
  device->retry_up = 0;
}

/* Sends what is next, unless a publish is in flight. */
static void send_next(struct corral_device *device, uint64_t up) {
  const struct corral_ports *ports = &device->ports;
  if (!is_running(device) || !device->is_connected) return;
  if (device->is_in_flight && up >= device->answer_due_up) fail_publish(device, up);
  if (device->is_in_flight || up < device->retry_up) return;
  if (!corral_outbox_next(&device->outbox, device->config.frame, device->config.frame_size, &device->frame))
    return;
  device->ticket += 1;
  device->is_in_flight = true;
  device->answer_due_up = up + device->config.ack_timeout_ms;
  bool is_sent = ports->publish(ports->context, device->ticket, device->config.frame, device->frame.length);
  if (!is_sent) fail_publish(device, up);
}

enum corral_status corral_device_answer(
    struct corral_device *device, uint64_t ticket, const uint8_t *payload, size_t length) {
  bool is_awaited = is_running(device) && device->is_in_flight && ticket == device->ticket;
  if (!is_awaited) return device->status;
  uint64_t up = uptime(device);
  if (corral_is_ack(payload, length)) {
    device->is_in_flight = false;
    device->failures = 0;
    device->counts.acked_frames += 1;
    corral_outbox_acked(&device->outbox, device->frame);
  } else {
    fail_publish(device, up);
  }
  send_next(device, up);
  return device->status;
}

void corral_device_connected(struct corral_device *device) {
  device->is_connected = true;
  retry_now(device);
}

void corral_device_disconnected(struct corral_device *device) {
  if (device->is_in_flight) fail_publish(device, uptime(device));
  device->is_connected = false;
}

/* -------------------------------------------------------------------------------------------------------
 * commands */

/* What the device's own state says. Starting anew is the core's part in `reboot`, and needs a device that
 * can. */
static struct corral_verdict judge(
    void *context, const struct corral_command *command, const struct corral_hold *hold, uint64_t up) {
  const struct corral_ports *ports = context;
  struct corral_verdict unknown = {"unknown-command", CORRAL_HOLD_KEPT, false};
  struct corral_verdict restarts = {NULL, CORRAL_HOLD_KEPT, true};
  if (strcmp(command->name, reboot) != 0) return ports->judge(ports->context, command, hold, up);
  if (ports->restart == NULL) return unknown;
  struct corral_verdict verdict = ports->judge(ports->context, command, hold, up);
  return verdict.refusal != NULL ? verdict : restarts;
}

static struct corral_result act(struct corral_device *device, const struct corral_command *command) {
  device->is_acting = true;
  struct corral_result result = device->ports.act(device->ports.context, command);
  device->is_acting = false;
  return result;
}

/* Executes a command that is begun, once that is stored. False when the device starts anew instead of
 * reporting. */
static bool execute(struct corral_device *device, const struct corral_command *command) {
  struct corral_result too_late = {CORRAL_REJECTED, "too-late"};
  if (!store(device)) return false;
  bool may_start = corral_may_still_start(command, uptime(device));
  if (may_start && strcmp(command->name, reboot) == 0) {
    /* The boot that finds it begun is what proves it done. */
    device->status = CORRAL_RESTARTING;
    device->ports.restart(device->ports.context);
    return false;
  }
  struct corral_result result = may_start ? act(device, command) : too_late;
  bool lasted = device->memory.hold.lasts;
  /* What `corral_device_amend` said out of `act` is the last word already. */
  if (device->memory.begun.n == command->n) corral_finish(&device->memory, result);
  note_hold(device, lasted);
  return true;
}

enum corral_status corral_device_command(
    struct corral_device *device, const uint8_t *payload, size_t length) {
  struct corral_command command;
  if (!is_running(device)) return device->status;
  uint64_t up = uptime(device);
  retry_now(device);
  if (!corral_read_command(payload, length, &command)) {
    device->counts.unreadable_commands += 1;
    return device->status;
  }
  struct corral_moment moment = {up, device->config.hold_charge_ms, judge, &device->ports};
  pass_time(device, up);
  uint64_t epoch = device->memory.highest_epoch;
  enum corral_reception reception = corral_receive(&device->memory, &command, &moment);
  /* A repeated command, which may come every few seconds, wears no storage. */
  if (reception != CORRAL_RECEPTION_REPEATED || device->memory.highest_epoch != epoch) note_change(device);
  if (reception == CORRAL_RECEPTION_BEGUN && !execute(device, &command)) return device->status;
  up = uptime(device);
  record(device, up);
  send_next(device, up);
  return device->status;
}

void corral_device_changed(struct corral_device *device, bool ends_hold) {
  if (!is_running(device)) return;
  uint64_t up = uptime(device);
  if (ends_hold && corral_end_hold(&device->memory)) note_change(device);
  struct corral_reading reading =
      device->ports.read(device->ports.context, corral_hold_at(&device->memory, up), up);
  observe(device, &reading, up);
  device->is_change_due = true;
}

void corral_device_amend(struct corral_device *device, uint64_t n, struct corral_result result) {
  bool lasted = device->memory.hold.lasts;
  if (!is_running(device) || result.outcome == CORRAL_UNDECIDED) return;
  bool is_of_act = device->is_acting && device->memory.begun.n == n;
  if (is_of_act) corral_finish(&device->memory, result);
  if (!is_of_act && !corral_amend(&device->memory, n, result)) return;
  note_hold(device, lasted);
  device->is_change_due = true;
}

/* ------------------------------------------------------------------------------------------------------- the
 * boot, and time */

/* Finds out what became of what was being executed, or was undecided, when the boot before ended. */
static void settle_executions(struct corral_device *device) {
  struct corral_begun begun[CORRAL_UNDECIDED_MAX + 1];
  size_t count = corral_unsettled(&device->memory, begun);
  for (size_t index = 0; index < count; index += 1) {
    struct corral_begun executed = begun[index];
    executed.n = corral_first_number(&executed);
    bool is_restart = strcmp(executed.name, reboot) == 0;
    enum corral_shown shown = CORRAL_SHOWN_EXECUTED;
    if (!is_restart) shown = device->ports.was_executed(device->ports.context, &executed);
    corral_settle_after_restart(&device->memory, begun[index], shown);
  }
}

enum corral_status corral_device_start(
    struct corral_device *device, const struct corral_config *config, const struct corral_ports *ports) {
  memset(device, 0, sizeof *device);
  device->config = *config;
  device->ports = *ports;
  corral_outbox_open(&device->outbox, config->encoding, config->outbox, config->outbox_size);
  if (!load(device)) return device->status;
  corral_next_boot(&device->memory, config->first_boot == 0 ? 1 : config->first_boot, config->hold_charge_ms);
  settle_executions(device);
  note_change(device);
  record(device, uptime(device));
  return device->status;
}

enum corral_status corral_device_step(struct corral_device *device) {
  if (!is_running(device)) return device->status;
  uint64_t up = uptime(device);
  pass_time(device, up);
  if (device->is_change_due || up >= device->last_report_up + device->config.heartbeat_ms) record(device, up);
  else store(device);
  send_next(device, up);
  return device->status;
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* The uptime at which something is to be sent, or given up. */
static uint64_t send_due_up(const struct corral_device *device) {
  if (!device->is_connected) return UINT64_MAX;
  if (device->is_in_flight) return device->answer_due_up;
  return device->outbox.length > 0 ? device->retry_up : UINT64_MAX;
}

uint64_t corral_device_due_up(const struct corral_device *device) {
  if (!is_running(device)) return UINT64_MAX;
  if (device->is_change_due || device->is_memory_unstored) return 0;
  uint64_t report_up = device->last_report_up + device->config.heartbeat_ms;
  uint64_t change_up = corral_next_change_up(&device->memory, device->config.hold_charge_ms);
  return least(least(report_up, change_up), send_due_up(device));
}
