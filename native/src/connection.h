#ifndef HEARTWIRE_CONNECTION_H
#define HEARTWIRE_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct loop;
struct visit;

/*
 * One socket, that does not block. It is where it is as long as the loop lives, and may be another one's when the turn in
 * which it was closed is over.
 */
struct connection {
  struct visit *visit; /* of a visitor; NULL from when JavaScript has taken it */
  int fd;              /* below 0 when it is closed */
  int32_t slot;
  /* Events of the poller's. */
  unsigned wants : 2;   /* what it is to be told of */
  unsigned watched : 2; /* what the poller watches: perhaps more, and never less */
  bool stuck : 1;       /* whether the kernel took less than it was given in this call */
  bool ended : 1;       /* the peer has ended its direction, or all is lost: there is nothing more to read */
};

/* Takes over a socket, to tell nothing of it yet. NULL, and it is still the caller's, when there is no room for it. */
struct connection *connection_open(struct loop *loop, int fd);
/* Ends it, but for its socket, which is the caller's from here on. */
int connection_release(struct loop *loop, struct connection *connection);
void connection_close(struct loop *loop, struct connection *connection);

/* The connection in a slot, if there is one still, is ready for these events of the poller's. */
void connection_ready(struct loop *loop, int32_t slot, unsigned events);

/* Whether bytes are wanted, and whether it is to be told when the kernel takes more. */
void connection_watch(struct loop *loop, struct connection *connection, bool reads, bool waits);

/* What the kernel takes of the pieces at once: a number of bytes, or a uv error below zero. */
int64_t connection_write(struct connection *connection, const struct iovec *pieces, size_t count);

/* Ends its own direction: a FIN behind what was written. 0, or a uv error. */
int connection_end(struct connection *connection);

/* Bounds what the kernel takes beyond what it can send. What a listening socket accepts has it from there, on Linux. */
void connection_limit_unsent(int fd);

#endif
