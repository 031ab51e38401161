#ifndef HEARTWIRE_LISTENER_H
#define HEARTWIRE_LISTENER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

struct connection;
struct loop;

/*
 * A listening socket. What it accepts are visitors: connections of which JavaScript has not said yet what becomes of
 * them. A visitor is looked at when its first bytes are there, which stay in the kernel; then JavaScript takes it, or
 * gives it to somebody else.
 */
struct listener {
  uv_poll_t poll;
  uv_timer_t pause;   /* while the process can have no more connections */
  uv_timer_t silence; /* while there are visitors */
  struct loop *loop;
  struct listener *next;
  int32_t id;
  int fd;
  int reserve; /* a file descriptor, by which one that there is none for is accepted and cut */
  struct visit *visits; /* of those who are visitors now */
  uint64_t patience;    /* milliseconds for which a visitor may be silent, up to twice that */
  int open_handles;
};

union address {
  struct sockaddr any;
  struct sockaddr_in four;
  struct sockaddr_in6 six;
};

/* What a connection has while it is a visitor. */
struct visit {
  struct listener *listener;
  struct connection *visitor;
  struct visit *next;
  struct visit **link; /* what points to this one */
  union address peer;
  bool asked;  /* whether JavaScript has been asked what becomes of it */
  bool silent; /* whether it has said nothing for a while */
};

/* The listener's id, or an error of uv's. */
int32_t listener_open(struct loop *loop, const union address *address, int backlog, uint64_t patience);
/* Gives up the port. Its visitors have to be gone. */
void listener_close(struct listener *listener);
/* NULL when there is none with this id. */
struct listener *listener_find(const struct loop *loop, int32_t id);
/* Takes a file descriptor in reserve again, where it was lost. */
void listener_restore(struct listener *listener);

/* A visitor's socket has something to read, or has failed. */
void listener_look(struct loop *loop, struct connection *visitor, bool failed);
/* It is no visitor any more. */
void listener_left(struct connection *visitor);

#endif
