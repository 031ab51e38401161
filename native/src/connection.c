/* One connection: read when there is something, write at once. */

#include "connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "listener.h"
#include "loop.h"
#include "poller.h"

#ifdef MSG_NOSIGNAL
#define SEND_FLAGS MSG_NOSIGNAL
#else
#define SEND_FLAGS 0
#endif

/* Bytes that the kernel takes beyond what it can send: what it has cannot be dropped, or replaced by something newer. */
#define MOST_UNSENT (128 * 1024)

void connection_limit_unsent(int fd) {
#ifdef TCP_NOTSENT_LOWAT
  int most = MOST_UNSENT;
  /* There is no such thing for a Unix socket. */
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof most);
#else
  (void)fd;
#endif
}

static void watch(struct loop *loop, struct connection *connection) {
  connection->watched = connection->wants;
  poller_watch(loop->poller, connection->slot, connection->fd, connection->wants);
}

/*
 * What it is to be told of from here on. More is asked of the poller at once, less only when it tells of something that is
 * not wanted: most who pause go on before anything comes, and most who have written the rest have more.
 */
static void want(struct loop *loop, struct connection *connection, unsigned events) {
  if (events == connection->wants) return;
  if (connection->wants == 0) loop_hold(loop);
  if (events == 0) loop_let_go(loop);
  connection->wants = events & (POLLER_READ | POLLER_WRITE);
  if ((events & ~connection->watched) != 0) watch(loop, connection);
}

struct connection *connection_open(struct loop *loop, int fd) {
  struct connection *connection = loop_has_poller(loop) ? loop_take_slot(loop) : NULL;
  if (connection == NULL) return NULL;
  if (!poller_add(loop->poller, connection->slot, fd)) {
    loop_free_slot(loop, connection->slot);
    return NULL;
  }
  *connection = (struct connection){.fd = fd, .slot = connection->slot, .watched = POLLER_READ};
  return connection;
}

int connection_release(struct loop *loop, struct connection *connection) {
  int fd = connection->fd;
  if (connection->visit != NULL) listener_left(connection);
  want(loop, connection, 0);
  poller_remove(loop->poller, connection->slot, fd);
  connection->fd = -1;
  loop_free_slot(loop, connection->slot);
  return fd;
}

void connection_close(struct loop *loop, struct connection *connection) {
  close(connection_release(loop, connection));
}

void connection_watch(struct loop *loop, struct connection *connection, bool reads, bool waits) {
  unsigned events = 0;
  if (reads && !connection->ended) events |= POLLER_READ;
  if (waits) events |= POLLER_WRITE;
  want(loop, connection, events);
}

static void read_once(struct loop *loop, struct connection *connection) {
  if (!loop_make_room(loop)) return;
  /* To make room was perhaps to call JavaScript, which may have closed or paused this one. */
  if (connection->fd < 0 || (connection->wants & POLLER_READ) == 0) return;
  ssize_t length;
  do length = recv(connection->fd, loop->arena + loop->arena_used, READ_SIZE, 0);
  while (length < 0 && errno == EINTR);
  if (length > 0) {
    loop_record(loop, connection, (int32_t)loop->arena_used, (int32_t)length);
    /* The next one begins where words do, which masking goes by. */
    loop->arena_used += ((size_t)length + 7) & ~(size_t)7;
  } else if (length == 0) {
    connection->ended = true;
    loop_record(loop, connection, RECORD_END, 0);
    want(loop, connection, connection->wants & ~(unsigned)POLLER_READ);
  } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
    connection->ended = true;
    loop_record(loop, connection, RECORD_ERROR, uv_translate_sys_error(errno));
    want(loop, connection, 0);
  }
}

void connection_ready(struct loop *loop, int32_t slot, unsigned events) {
  struct connection *connection = loop_connection(loop, slot);
  /* Closed by what happened to another. */
  if (connection == NULL) return;
  if ((events & connection->watched & ~connection->wants) != 0) watch(loop, connection);
  if (connection->visit != NULL) {
    if (connection->wants != 0) listener_look(loop, connection, (events & POLLER_FAILED) != 0);
    return;
  }
  if ((events & connection->wants & POLLER_WRITE) != 0) {
    if (!loop_make_room(loop)) return;
    /* JavaScript may have closed this one, or written what was left. */
    if (connection->fd < 0 || (connection->wants & POLLER_WRITE) == 0) return;
    want(loop, connection, connection->wants & ~(unsigned)POLLER_WRITE);
    loop_record(loop, connection, RECORD_WRITABLE, 0);
  }
  if ((events & connection->wants & POLLER_READ) != 0) read_once(loop, connection);
}

int64_t connection_write(struct connection *connection, const struct iovec *pieces, size_t count) {
  struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = count};
  ssize_t taken;
  do {
    taken = count == 1 ? send(connection->fd, pieces->iov_base, pieces->iov_len, SEND_FLAGS)
                       : sendmsg(connection->fd, &message, SEND_FLAGS);
  } while (taken < 0 && errno == EINTR);
  if (taken >= 0) return taken;
  if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
  return uv_translate_sys_error(errno);
}

int connection_end(struct connection *connection) {
  if (shutdown(connection->fd, SHUT_WR) == 0) return 0;
  return uv_translate_sys_error(errno);
}
