/* NATS on a bare socket. See nats_connection.h. */
#define _POSIX_C_SOURCE 200809L

#include "nats_connection.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* A server that does not take what is written to it, or does not say INFO, for so long is gone, s. */
#define BLOCKED_MAX_S 5

/* A line of the protocol, or the options of CONNECT, have at most so many bytes here. */
#define LINE_BYTES_MAX 4096

void nats_disconnect(struct nats_connection *connection) {
  if (connection->socket != -1) close(connection->socket);
  connection->socket = -1;
  connection->taken = 0;
  connection->length = 0;
}

static bool fail(struct nats_connection *connection, const char *why) {
  fprintf(stderr, "nats: %s\n", why);
  nats_disconnect(connection);
  return false;
}

/* Writes all of it. */
static bool write_all(struct nats_connection *connection, const void *bytes, size_t length) {
  const uint8_t *at = bytes;
  while (length > 0 && connection->socket != -1) {
    ssize_t written = send(connection->socket, at, length, MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(connection, strerror(errno));
    at += written;
    length -= (size_t)written;
  }
  return connection->socket != -1;
}

static bool write_line(struct nats_connection *connection, const char *line) {
  return write_all(connection, line, strlen(line));
}

/* -------------------------------------------------------------------------------------------------------
 * connecting */

/* Text as JSON has it. */
static void append_json(char *options, size_t size, const char *key, const char *text) {
  size_t at = strlen(options);
  at += (size_t)snprintf(options + at, size - at, ",\"%s\":\"", key);
  for (; *text != '\0' && at + 8 < size; text += 1) {
    bool is_plain = (unsigned char)*text >= 0x20 && *text != '"' && *text != '\\';
    at += (size_t)snprintf(options + at, size - at, is_plain ? "%c" : "\\u%04x", (unsigned char)*text);
  }
  snprintf(options + at, size - at, "\"");
}

static bool log_in(struct nats_connection *connection) {
  char options[LINE_BYTES_MAX] =
      "CONNECT "
      "{\"verbose\":false,\"pedantic\":false,\"lang\":\"c\",\"version\":\"1\",\"protocol\":1,\"headers\":"
      "true,"
      "\"no_responders\":true,\"echo\":false";
  append_json(options, sizeof options - 8, "name", connection->name);
  if (connection->user != NULL) append_json(options, sizeof options - 8, "user", connection->user);
  if (connection->password != NULL) append_json(options, sizeof options - 8, "pass", connection->password);
  strcat(options, "}\r\n");
  return write_line(connection, options) && write_line(connection, "PING\r\n");
}

/* A blocking connection to the first address that takes one. */
static int dial(const struct nats_connection *connection) {
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct addrinfo *addresses = NULL;
  struct timeval limit = {.tv_sec = BLOCKED_MAX_S};
  int dialled = -1;
  if (getaddrinfo(connection->host, connection->port, &hints, &addresses) != 0) return -1;
  for (struct addrinfo *address = addresses; address != NULL && dialled == -1; address = address->ai_next) {
    int made = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
    if (made == -1) continue;
    setsockopt(made, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(made, address->ai_addr, address->ai_addrlen) == 0) dialled = made;
    else close(made);
  }
  freeaddrinfo(addresses);
  return dialled;
}

/* Takes in what has come. False where the connection has ended. */
static bool take_in(struct nats_connection *connection) {
  size_t left = connection->length - connection->taken;
  memmove(connection->bytes, connection->bytes + connection->taken, left);
  connection->taken = 0;
  connection->length = left;
  if (left == sizeof connection->bytes) return fail(connection, "a message is longer than may be");
  ssize_t count = recv(connection->socket, connection->bytes + left, sizeof connection->bytes - left, 0);
  if (count < 0 && errno == EINTR) return true;
  if (count <= 0) return fail(connection, count == 0 ? "the server has hung up" : strerror(errno));
  connection->length += (size_t)count;
  return true;
}

/* The next line of what has come, without its end; false when there is no whole one. */
static bool next_line(struct nats_connection *connection, char *line, size_t size) {
  const uint8_t *from = connection->bytes + connection->taken;
  const uint8_t *end = memchr(from, '\n', connection->length - connection->taken);
  if (end == NULL) return false;
  size_t length = (size_t)(end - from);
  size_t kept = length < size ? length : size - 1;
  memcpy(line, from, kept);
  line[kept] = '\0';
  line[strcspn(line, "\r")] = '\0';
  connection->taken += length + 1;
  return true;
}

bool nats_connect(struct nats_connection *connection, uint64_t now_ms) {
  char line[LINE_BYTES_MAX];
  nats_disconnect(connection);
  connection->socket = dial(connection);
  if (connection->socket == -1) return fail(connection, "nobody answers there");
  connection->last_heard_ms = now_ms;
  connection->last_ping_ms = now_ms;
  while (!next_line(connection, line, sizeof line))
    if (!take_in(connection)) return false;
  if (strncmp(line, "INFO ", 5) != 0) return fail(connection, "that is no NATS server");
  if (!log_in(connection)) return false;
  /* The PONG says that it has let us in; what it refuses it says before. */
  do {
    while (!next_line(connection, line, sizeof line))
      if (!take_in(connection)) return false;
    if (strncmp(line, "-ERR", 4) == 0) return fail(connection, line);
  } while (strcmp(line, "PONG") != 0);
  return true;
}

/* -------------------------------------------------------------------------------------------------------
 * speaking */

bool nats_subscribe(struct nats_connection *connection, const char *subject, uint64_t subscription) {
  char line[LINE_BYTES_MAX];
  snprintf(line, sizeof line, "SUB %s %" PRIu64 "\r\n", subject, subscription);
  return write_line(connection, line);
}

bool nats_publish(
    struct nats_connection *connection, const char *subject, const char *reply, const uint8_t *payload,
    size_t length) {
  char line[LINE_BYTES_MAX];
  snprintf(line, sizeof line, "PUB %s %s %zu\r\n", subject, reply, length);
  return write_line(connection, line) && write_all(connection, payload, length) &&
         write_line(connection, "\r\n");
}

void nats_keep_alive(struct nats_connection *connection, uint64_t now_ms) {
  if (connection->socket == -1) return;
  if (now_ms - connection->last_heard_ms > 2 * NATS_PING_MS) {
    fail(connection, "the server gives no sign of life");
  } else if (now_ms - connection->last_ping_ms >= NATS_PING_MS) {
    connection->last_ping_ms = now_ms;
    write_line(connection, "PING\r\n");
  }
}

/* -------------------------------------------------------------------------------------------------------
 * hearing */

bool nats_wait(struct nats_connection *connection, uint64_t wait_ms) {
  struct pollfd waiting = {.fd = connection->socket, .events = POLLIN};
  return poll(&waiting, 1, (int)wait_ms) > 0 && take_in(connection);
}

void nats_note_heard(struct nats_connection *connection, uint64_t now_ms) {
  connection->last_heard_ms = now_ms;
}

/*
 * Reads the line of a message, `MSG subject subscription [reply] length` or `HMSG subject subscription
 * [reply] headers length`. False where it is neither.
 */
static bool read_message_line(
    char *line, struct nats_message *message, size_t *header_length, size_t *length) {
  char *words[6];
  size_t count = 0;
  for (char *word = strtok(line, " "); word != NULL && count < 6; word = strtok(NULL, " "))
    words[count++] = word;
  bool has_headers = count > 0 && strcmp(words[0], "HMSG") == 0;
  size_t least = has_headers ? 5 : 4;
  if (count < least || (!has_headers && strcmp(words[0], "MSG") != 0)) return false;
  if (strlen(words[1]) > NATS_SUBJECT_BYTES_MAX) return false;
  strcpy(message->subject, words[1]);
  message->subscription = strtoull(words[2], NULL, 10);
  *length = (size_t)strtoull(words[count - 1], NULL, 10);
  *header_length = has_headers ? (size_t)strtoull(words[count - 2], NULL, 10) : 0;
  return *header_length <= *length && *length <= NATS_BYTES_MAX;
}

/* Takes the payload of a message, once all of it has come; else goes back to before its line. */
static bool take_payload(
    struct nats_connection *connection, struct nats_message *message, size_t from, size_t header_length,
    size_t length) {
  static const char no_responders[] = "NATS/1.0 503";
  const uint8_t *payload = connection->bytes + connection->taken;
  if (connection->length - connection->taken < length + 2) {
    connection->taken = from;
    return false;
  }
  connection->taken += length + 2;
  message->is_refusal =
      header_length >= sizeof no_responders && memcmp(payload, no_responders, sizeof no_responders - 1) == 0;
  message->payload = payload + header_length;
  message->length = length - header_length;
  return true;
}

bool nats_next(struct nats_connection *connection, struct nats_message *message) {
  char line[LINE_BYTES_MAX];
  size_t header_length;
  size_t length;
  for (;;) {
    size_t from = connection->taken;
    if (connection->socket == -1 || !next_line(connection, line, sizeof line)) return false;
    if (strcmp(line, "PING") == 0) {
      write_line(connection, "PONG\r\n");
    } else if (strncmp(line, "-ERR", 4) == 0) {
      return fail(connection, line);
    } else if (read_message_line(line, message, &header_length, &length)) {
      return take_payload(connection, message, from, header_length, length);
    }
    /* PONG, +OK, and the INFO of a server that is about to go say nothing that has to be done. */
  }
}
