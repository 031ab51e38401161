#ifndef HEARTWIRE_POLLER_H
#define HEARTWIRE_POLLER_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct poller;

/* What a socket is watched for, and what it is ready for. */
enum {
  POLLER_READ = 1,
  POLLER_WRITE = 2,
  /* There is an error on it; told, as a hang-up is, whatever it is watched for, and together with both of the others. */
  POLLER_FAILED = 4,
};

/*
 * Tells which sockets of a loop are ready, by `connection_ready`, and says so again as long as they are. There is one for
 * Linux, over an epoll of its own (poller_epoll.c), and one for other systems, over libuv (poller_uv.c).
 */
struct poller *poller_open(struct loop *loop); /* NULL when memory or file descriptors are short */
void poller_close(struct poller *poller);      /* behind all of its sockets */

/* Watches a socket that is to be read, known by the slot of its connection. False when it cannot be watched. */
bool poller_add(struct poller *poller, int32_t slot, int fd);
/* Watches it for this instead. A socket that is watched for nothing costs nothing, not even when its peer has hung up. */
void poller_watch(struct poller *poller, int32_t slot, int fd, unsigned events);
/* Has to come before the socket is closed or given away. */
void poller_remove(struct poller *poller, int32_t slot, int fd);

#endif
