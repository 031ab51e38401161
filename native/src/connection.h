#ifndef HEARTWIRE_CONNECTION_H
#define HEARTWIRE_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include <uv.h>

struct loop;
struct visit;

/* One socket, that does not block. */
struct connection {
  uv_poll_t poll;
  struct loop *loop;
  struct visit *visit; /* of a visitor; NULL from when JavaScript has taken it */
  int fd;
  int32_t slot;
  bool reads;  /* whether bytes are wanted */
  bool waits;  /* whether it is to be told when the kernel takes more */
  bool stuck;  /* whether the kernel took less than it was given in this call */
  bool ended;  /* the peer has ended its direction, or all is lost: there is nothing more to read */
};

/* Takes over a socket, which is closed with the connection. NULL when memory is short or uv cannot watch it. */
struct connection *connection_open(struct loop *loop, int fd);
void connection_close(struct connection *connection);

/* What it is to be told of. */
void connection_watch(struct connection *connection, bool reads, bool waits);

/* What the kernel takes of the pieces at once: a number of bytes, or a uv error below zero. */
int64_t connection_write(struct connection *connection, const struct iovec *pieces, size_t count);

/* Ends its own direction: a FIN behind what was written. 0, or a uv error. */
int connection_end(struct connection *connection);

#endif
