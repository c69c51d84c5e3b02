/*
 * An example device on the C core, for POSIX: a charge point without hardware, with its memory in a file and
 * NATS on a bare socket. It is meant to be read by whoever ports the core; everything that is about the
 * contract is in the core.
 *
 *   charge-point --device cp-001 --server 127.0.0.1:4222 --memory cp-001.record [--user depot] [--json]
 *
 * The password of `--user` is read from the environment, CORRAL_PASSWORD, because a command line is for
 * everybody to see.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../corral_device.h"
#include "charge_point.h"
#include "file_storage.h"
#include "nats_connection.h"

/* Some hours of heartbeats. */
#define OUTBOX_BYTES (4 * 1024 * 1024)

/* The largest frame: the hub takes 1 MB with its headers. */
#define FRAME_BYTES 900000

/* A connection is tried again after this, and after twice as long each time, but at most after the longest,
 * ms. */
#define CONNECT_FIRST_MS 250
#define CONNECT_LONGEST_MS 10000

/* The subscriptions of a connection. */
enum { COMMANDS = 1, ANSWERS = 2 };

/* Everything that the program has. */
struct example {
  const char *memory_path;
  char **arguments;
  uint64_t started_ms;
  struct charge_point point;
  struct corral_device device;
  struct nats_connection connection;
  char report_subject[NATS_SUBJECT_BYTES_MAX + 1];
  char command_subject[NATS_SUBJECT_BYTES_MAX + 1];
  /* Answers come to this, a dot, and the ticket. No other process has it. */
  char inbox[64];
  unsigned failures;
  uint64_t connect_up;
};

static struct example example;
static uint8_t outbox[OUTBOX_BYTES];
static uint8_t frame[FRAME_BYTES];

/* -------------------------------------------------------------------------------------------------------
 * ports */

/* The clock of Linux that goes on in sleep; elsewhere the monotonic one, which is right on machines that do
 * not sleep. */
#ifdef CLOCK_BOOTTIME
#define DEVICE_CLOCK CLOCK_BOOTTIME
#else
#define DEVICE_CLOCK CLOCK_MONOTONIC
#endif

static uint64_t ms_of(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* The uptime of the device, which starts when its program does: not that of the machine. */
static uint64_t uptime(void *context) {
  const struct example *self = context;
  return ms_of(DEVICE_CLOCK) - self->started_ms;
}

static uint64_t wall(void *context) {
  (void)context;
  return ms_of(CLOCK_REALTIME);
}

static size_t load(void *context, uint8_t *record, size_t size) {
  size_t length = file_load(((struct example *)context)->memory_path, record, size);
  return length == FILE_LOAD_FAILED ? CORRAL_LOAD_FAILED : length;
}

static bool store(void *context, const uint8_t *record, size_t length) {
  return file_store(((struct example *)context)->memory_path, record, length);
}

static bool publish(void *context, uint64_t ticket, const uint8_t *payload, size_t length) {
  struct example *self = context;
  char reply[NATS_SUBJECT_BYTES_MAX + 1];
  snprintf(reply, sizeof reply, "%s.%" PRIu64, self->inbox, ticket);
  return nats_publish(&self->connection, self->report_subject, reply, payload, length);
}

static struct corral_reading read_point(void *context, const struct corral_hold *hold, uint64_t up) {
  (void)up;
  return charge_point_read(&((struct example *)context)->point, hold);
}

static struct corral_verdict judge(
    void *context, const struct corral_command *command, const struct corral_hold *hold, uint64_t up) {
  (void)up;
  return charge_point_judge(&((struct example *)context)->point, command, hold);
}

static struct corral_result act(void *context, const struct corral_command *command) {
  return charge_point_act(&((struct example *)context)->point, command);
}

static enum corral_shown was_executed(void *context, const struct corral_begun *begun) {
  (void)context;
  (void)begun;
  return CORRAL_SHOWN_NOTHING;
}

/* A new program in the place of this one is as new as a device that was switched off and on. */
static void restart(void *context) {
  struct example *self = context;
  nats_disconnect(&self->connection);
  execv("/proc/self/exe", self->arguments);
  execvp(self->arguments[0], self->arguments);
  fprintf(stderr, "cannot start anew: %s\n", strerror(errno));
  exit(1);
}

/* ------------------------------------------------------------------------------------------------------- the
 * loop */

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* Connects, and subscribes before the core may send its first report. */
static void reconnect(struct example *self, uint64_t up) {
  char answers[80];
  snprintf(answers, sizeof answers, "%s.*", self->inbox);
  bool is_connected = nats_connect(&self->connection, up) &&
                      nats_subscribe(&self->connection, self->command_subject, COMMANDS) &&
                      nats_subscribe(&self->connection, answers, ANSWERS);
  if (is_connected) {
    self->failures = 0;
    corral_device_connected(&self->device);
    return;
  }
  uint64_t pause_ms = least((uint64_t)CONNECT_FIRST_MS << least(self->failures, 16), CONNECT_LONGEST_MS);
  self->failures += 1;
  self->connect_up = up + pause_ms - pause_ms * (uint64_t)(rand() % 256) / 1024;
}

/* Hands on what has come. */
static void take_messages(struct example *self) {
  struct nats_message message;
  while (self->device.status == CORRAL_RUNNING && nats_next(&self->connection, &message)) {
    if (message.subscription == COMMANDS) {
      corral_device_command(&self->device, message.payload, message.length);
    } else {
      const char *ticket = strrchr(message.subject, '.') + 1;
      size_t length = message.is_refusal ? 0 : message.length;
      corral_device_answer(&self->device, strtoull(ticket, NULL, 10), message.payload, length);
    }
  }
}

/* How long nothing is due, ms. */
static uint64_t idle_ms(const struct example *self, uint64_t up) {
  uint64_t due_up = least(corral_device_due_up(&self->device), up + NATS_PING_MS);
  if (self->connection.socket == -1) due_up = least(due_up, self->connect_up);
  return due_up > up ? due_up - up : 0;
}

static void run(struct example *self) {
  while (corral_device_step(&self->device) == CORRAL_RUNNING) {
    uint64_t up = uptime(self);
    if (self->connection.socket == -1 && up >= self->connect_up) reconnect(self, up);
    if (nats_wait(&self->connection, idle_ms(self, up))) nats_note_heard(&self->connection, uptime(self));
    take_messages(self);
    nats_keep_alive(&self->connection, uptime(self));
    if (self->connection.socket == -1 && self->device.is_connected) corral_device_disconnected(&self->device);
  }
}

/* ------------------------------------------------------------------------------------------------------- the
 * start */

/* Bytes that nobody can guess: an inbox that another device could have would hear its acknowledgements. */
static uint64_t draw(void) {
  uint64_t number = 0;
  FILE *source = fopen("/dev/urandom", "rb");
  if (source == NULL || fread(&number, sizeof number, 1, source) != 1) {
    fprintf(stderr, "no random numbers: %s\n", strerror(errno));
    exit(1);
  }
  fclose(source);
  return number;
}

static int usage(void) {
  fprintf(
      stderr,
      "usage: charge-point --device <id> --server <host:port> --memory <file> [--user <name>] [--json]\n");
  return 2;
}

/* Cuts `host:port` in two, at the last colon. */
static bool read_server(struct nats_connection *connection, char *server) {
  char *colon = server == NULL ? NULL : strrchr(server, ':');
  if (colon == NULL) return false;
  *colon = '\0';
  connection->host = strdup(server);
  connection->port = colon + 1;
  /* The arguments are used again by `restart`. */
  connection->port = strdup(connection->port);
  *colon = ':';
  return true;
}

/* Reads the command line. False where it is wrong. */
static bool read_arguments(struct example *self, struct corral_config *config, int count, char **arguments) {
  char *server = NULL;
  for (int index = 1; index < count; index += 1) {
    const char *option = arguments[index];
    if (strcmp(option, "--json") == 0) {
      config->encoding = CORRAL_JSON;
      continue;
    }
    index += 1;
    if (index == count) return false;
    if (strcmp(option, "--device") == 0) config->device = arguments[index];
    else if (strcmp(option, "--server") == 0) server = arguments[index];
    else if (strcmp(option, "--memory") == 0) self->memory_path = arguments[index];
    else if (strcmp(option, "--user") == 0) self->connection.user = arguments[index];
    else return false;
  }
  bool is_id = config->device != NULL && strlen(config->device) <= CORRAL_NAME_BYTES_MAX;
  return is_id && self->memory_path != NULL && read_server(&self->connection, server);
}

int main(int count, char **arguments) {
  struct corral_config config = corral_default_config(NULL);
  struct corral_ports ports = {&example,   uptime, wall, load,         store,  publish,
                               read_point, judge,  act,  was_executed, restart};
  example.started_ms = ms_of(DEVICE_CLOCK);
  example.arguments = arguments;
  example.connection.socket = -1;
  if (!read_arguments(&example, &config, count, arguments)) return usage();
  example.connection.name = config.device;
  example.connection.password = example.connection.user == NULL ? NULL : getenv("CORRAL_PASSWORD");
  snprintf(example.report_subject, sizeof example.report_subject, "device.%s.report", config.device);
  snprintf(example.command_subject, sizeof example.command_subject, "device.%s.command", config.device);
  snprintf(example.inbox, sizeof example.inbox, "_INBOX.%016" PRIx64 "%016" PRIx64, draw(), draw());
  srand((unsigned)draw());
  config.kind = "charge-point";
  config.first_boot = 1 + draw() % (UINT64_C(1) << 48);
  config.components = charge_point_components;
  config.component_count = 1;
  config.outbox = outbox;
  config.outbox_size = sizeof outbox;
  config.frame = frame;
  config.frame_size = sizeof frame;
  corral_device_start(&example.device, &config, &ports);
  run(&example);
  static const char *const ends[] = {
      "running", "starting anew", "the storage failed", "the storage is another device's",
      "a report is impossible"};
  fprintf(stderr, "%s: %s\n", config.device, ends[example.device.status]);
  return 1;
}
