/*
 * A connection to a NATS server on a bare socket: the little of its text protocol that a device needs
 * (CONNECT, SUB, PUB, PING, PONG; of what comes, INFO, MSG, HMSG, -ERR). It buffers nothing while there is no
 * connection, and never publishes later what could not be published now: the core sends again what was not
 * acknowledged. No TLS: give it a leaf on the same machine, or a tunnel.
 */
#ifndef NATS_CONNECTION_H
#define NATS_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest message that is taken: what the hub allows, with its headers and its line. A longer one ends
 * the connection. */
#define NATS_BYTES_MAX (1024 * 1024 + 8192)

/* The server is asked for a sign of life so often, ms; without any for twice as long, the connection is given
 * up. */
#define NATS_PING_MS 5000

/* A subject has at most so many bytes here. */
#define NATS_SUBJECT_BYTES_MAX 255

/* A message. `is_refusal`: nobody was there to answer (status 503). It lasts until the next call. */
struct nats_message {
  uint64_t subscription;
  char subject[NATS_SUBJECT_BYTES_MAX + 1];
  const uint8_t *payload;
  size_t length;
  bool is_refusal;
};

struct nats_connection {
  const char *host;
  const char *port;
  /* NULL where the server asks for none. */
  const char *user;
  const char *password;
  const char *name;
  /* -1 while there is no connection. */
  int socket;
  uint64_t last_heard_ms;
  uint64_t last_ping_ms;
  /* What has come and is not read yet. */
  size_t taken;
  size_t length;
  uint8_t bytes[NATS_BYTES_MAX];
};

/* Connects and logs in; blocks for 5 s at most. False, and a line on standard error, where that does not
 * succeed. */
bool nats_connect(struct nats_connection *connection, uint64_t now_ms);

/* Hangs up. */
void nats_disconnect(struct nats_connection *connection);

/* Each of these writes to the socket at once. False, and disconnected, where that fails. */
bool nats_subscribe(struct nats_connection *connection, const char *subject, uint64_t subscription);
bool nats_publish(
    struct nats_connection *connection, const char *subject, const char *reply, const uint8_t *payload,
    size_t length);

/* Waits until something comes, or for so long, ms, and takes it in. False where nothing came; disconnects
 * where the server is gone. */
bool nats_wait(struct nats_connection *connection, uint64_t wait_ms);

/* The server has given a sign of life. */
void nats_note_heard(struct nats_connection *connection, uint64_t now_ms);

/* The next message of what was taken in; false when there is none. Answers pings on the way. */
bool nats_next(struct nats_connection *connection, struct nats_message *message);

/* Asks for signs of life, and hangs up where none came. */
void nats_keep_alive(struct nats_connection *connection, uint64_t now_ms);

#endif
