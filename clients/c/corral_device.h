/*
 * The device's side of Corral's contract (docs/protocol.md) as a portable core in C99, without I/O. It needs
 * a freestanding compiler with 64-bit integers, <stdbool.h>, <stddef.h>, <stdint.h>, and of the library only
 * <string.h>. It allocates nothing, keeps nothing outside of the `struct corral_device` that it is given, and
 * computes without floating point. Compile clients/c/corral_*.c with your firmware.
 *
 * What the core does: it reads commands, checks them in the order of the contract, remembers what has to
 * outlive a restart, keeps holds, makes reports, keeps them until they are acknowledged, and says what to
 * send when. What a port does for it is `struct corral_ports`: a clock, a storage, a way to publish, and the
 * hardware.
 *
 * A port runs one loop, on one thread. It tells the core what came (`corral_device_command`, `_answer`,
 * `_connected`, `_disconnected`,
 * `_changed`, `_amend`), and calls `corral_device_step` afterwards and whenever `corral_device_due_up` has
 * come. No function of the core may be called while one of its functions is under way, but for
 * `corral_device_changed` and `corral_device_amend` out of `act`.
 *
 * Invariants:
 * I1  nothing leaves before the memory that it speaks of is stored: no report, and no outcome that it names.
 * I2  while a command is executed nothing is reported and no other command is looked at, so no report is
 * silent about a command that is under way. I3  a command whose execution begins was stored as begun before,
 * and is within its deadline at that moment. I4  a change of the hold counts at once for everything that is
 * decided after it, stored or not.
 *
 * What it leaves out, which the agent in src/device has: reports that are not acknowledged are kept in memory
 * alone, and lost with a restart, which the contract allows; and it speaks for its own hardware, not as a
 * gateway for others.
 */
#ifndef CORRAL_DEVICE_H
#define CORRAL_DEVICE_H

#include "corral_command.h"
#include "corral_memory.h"
#include "corral_outbox.h"
#include "corral_reception.h"
#include "corral_record.h"
#include "corral_report.h"

/* A device has at most so many sensors. Of more, `corral_device_start` and every later call end with
 * `CORRAL_REPORT_IMPOSSIBLE`. */
#define CORRAL_SENSORS_MAX 32

/* How a device stands. All but `CORRAL_RUNNING` are final: nothing leaves any more, and the port starts the
 * device anew, or stops. */
enum corral_status {
  CORRAL_RUNNING,
  /* `reboot` was accepted, and `restart` was called. */
  CORRAL_RESTARTING,
  /* The storage could not be read, or not be written: what was remembered is not known, so nothing may be
     said. */
  CORRAL_STORAGE_FAILED,
  /* The storage holds the memory of another device. */
  CORRAL_STORAGE_FOREIGN,
  /* A report does not fit into the buffers, or holds what nobody may send: see `corral_write_report`. */
  CORRAL_REPORT_IMPOSSIBLE
};

/* What the device is at this moment, as its sensors say. */
struct corral_reading {
  /* One of the words of the kind. */
  const char *state;
  /* All sensors, always the same ones in the same order. */
  const struct corral_sensor *sensors;
  size_t sensor_count;
  /* NULL where there is none. */
  const char *firmware;
  /* The version of the desired configuration that was applied. */
  struct corral_optional config_version;
};

/* What `load` returns when the storage could not be read. An empty one was read: it returns 0. */
#define CORRAL_LOAD_FAILED SIZE_MAX

/* Everything that the core needs of the world. `context` is passed to each. */
struct corral_ports {
  void *context;
  /* Whole ms since this boot began. It never falls, never jumps, and goes on in sleep: every deadline and
   * every hold rests on it. */
  uint64_t (*uptime)(void *context);
  /* The wall clock, ms since 1970; NULL for a device without one. It is a hint for people and decides
   * nothing. */
  uint64_t (*wall)(void *context);
  /* Reads the record that was stored last into `record`; returns its length, 0 for a blank storage, or
   * CORRAL_LOAD_FAILED. */
  size_t (*load)(void *context, uint8_t *record, size_t size);
  /*
   * Stores a record in the place of the one before, whole or not at all, and returns true when it would
   * survive a power cut. False is final. On flash without a file system: see corral_record.h.
   */
  bool (*store)(void *context, const uint8_t *record, size_t length);
  /*
   * Publishes a payload on `device.<id>.report`, with a reply subject of its own that no other publish has,
   * and returns at once; the bytes are the core's again then. What comes to that reply subject goes to
   * `corral_device_answer` with the same ticket. False when it certainly was not sent.
   */
  bool (*publish)(void *context, uint64_t ticket, const uint8_t *payload, size_t length);
  /* Reads the hardware. What it points to has to last until the next call. `hold` is the one that lasts at
   * `up`, or NULL. */
  struct corral_reading (*read)(void *context, const struct corral_hold *hold, uint64_t up);
  /* Says whether the device's own state allows a command. It is never asked for `report`, which is always
   * allowed. */
  corral_judge judge;
  /*
   * Executes a command that `judge` accepted with `acts`, and returns when it is done, or after 10 s with
   * CORRAL_UNDECIDED and "no-answer". It is called at most once for a command number, whatever power cuts
   * come around it.
   */
  struct corral_result (*act)(void *context, const struct corral_command *command);
  /* What the hardware shows of a command that was begun, or undecided, before the restart. It never executes
   * it. */
  enum corral_shown (*was_executed)(void *context, const struct corral_begun *begun);
  /* Starts the device anew, for `reboot`. NULL for a device that cannot: it refuses `reboot` as a command
   * that it does not know. */
  void (*restart)(void *context);
};

/* Which device, and how it works. Texts and buffers have to last as long as the device. */
struct corral_config {
  /* Its id: 1 to 64 of A-Z a-z 0-9 _ - */
  const char *device;
  /* Named in every report, so that a device which no inventory knows finds its twin; NULL leaves it out. */
  const char *kind;
  /* The id of who speaks for the device, as a gateway does for what is behind it, and the boot of that one
   * now; NULL where the device speaks itself. */
  const char *via;
  uint64_t via_session;
  enum corral_encoding encoding;
  /*
   * The number of the first boot of a blank storage, or of one whose record is damaged. Draw it at random
   * below 2^48: then a command that was meant for the device before its storage was lost is never taken for
   * one of now, and no number of a boot comes twice. 0 means 1.
   */
  uint64_t first_boot;
  /* What the inventory scan of this start has found; NULL where there is none. */
  const struct corral_component *components;
  size_t component_count;
  /* For reports that are not acknowledged. When it is full, the oldest goes. */
  uint8_t *outbox;
  size_t outbox_size;
  /* For the payload of a publish, at most 1 MB; what is longer than this is not sent. The longest report has
   * to fit in. */
  uint8_t *frame;
  size_t frame_size;
  /* A report is made when the last one is this old, ms; well below the silence limit of the kind. */
  uint64_t heartbeat_ms;
  /* A lasting hold is recorded as spent this often, ms. A restart costs it between one and two of these. */
  uint64_t hold_charge_ms;
  /* An acknowledgement is waited for this long, ms. */
  uint64_t ack_timeout_ms;
  /* A failed publish is tried again after this, and after twice as long each time, but at most after the
   * longest, ms. */
  uint64_t retry_first_ms;
  uint64_t retry_longest_ms;
};

/* What has been counted in this boot, for whoever looks at the device. */
struct corral_counts {
  uint64_t unreadable_commands;
  uint64_t acked_frames;
  uint64_t failed_publishes;
  uint64_t dropped_reports;
};

/* When a binary sensor was last seen to change. */
struct corral_binary_change {
  bool is_known;
  bool is_dated;
  bool value;
  uint64_t changed_up;
};

/* A device. Some 5 KB; its fields are the core's, and for others to look at. */
struct corral_device {
  struct corral_config config;
  struct corral_ports ports;
  enum corral_status status;
  struct corral_memory memory;
  /* The memory has changed since it was stored. */
  bool is_memory_unstored;
  /* A report is to be made because something has changed. */
  bool is_change_due;
  /* `act` is under way. */
  bool is_acting;
  uint64_t seq;
  uint64_t last_report_up;
  struct corral_binary_change changes[CORRAL_SENSORS_MAX];
  struct corral_outbox outbox;
  bool is_connected;
  /* The publish that waits for its answer. */
  bool is_in_flight;
  uint64_t ticket;
  struct corral_frame frame;
  uint64_t answer_due_up;
  /* Publishes that failed in a row, and when to try again. */
  unsigned failures;
  uint64_t retry_up;
  struct corral_counts counts;
  uint8_t record[CORRAL_RECORD_BYTES_MAX];
};

/* The limits of the reference agent, for the device and the buffers that are given. */
struct corral_config corral_default_config(const char *device);

/* Begins a boot: afterwards its first report is stored and waits to be sent. Called once. */
enum corral_status corral_device_start(
    struct corral_device *device, const struct corral_config *config, const struct corral_ports *ports);

/* The payload of a command has come. It is handled to its end: checked, executed or refused, recorded,
 * reported. */
enum corral_status corral_device_command(struct corral_device *device, const uint8_t *payload, size_t length);

/* Something that `read` tells has changed, and is worth a report. `ends_hold`: its holder has come, or the
 * device is out of service. */
void corral_device_changed(struct corral_device *device, bool ends_hold);

/* The hardware shows now what became of an undecided command: CORRAL_DONE or CORRAL_REJECTED. Ignored where
 * that is known already. */
void corral_device_amend(struct corral_device *device, uint64_t n, struct corral_result result);

/* The connection stands, and so does the subscription to `device.<id>.command`: what waits may be sent. */
void corral_device_connected(struct corral_device *device);

/* The connection is gone. */
void corral_device_disconnected(struct corral_device *device);

/* The answer to a publish has come: the payload of the message, or none (length 0) where nobody was there to
 * answer (status 503). */
enum corral_status corral_device_answer(
    struct corral_device *device, uint64_t ticket, const uint8_t *payload, size_t length);

/* Does what is due: ends a hold, reports, sends. */
enum corral_status corral_device_step(struct corral_device *device);

/* The uptime at which `corral_device_step` has something to do, ms. */
uint64_t corral_device_due_up(const struct corral_device *device);

#endif
