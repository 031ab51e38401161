/* One connection: read when there is something, write at once. */

#include "connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listener.h"
#include "loop.h"

#ifdef MSG_NOSIGNAL
#define SEND_FLAGS MSG_NOSIGNAL
#else
#define SEND_FLAGS 0
#endif

/* Bytes that the kernel takes beyond what it can send: what it has cannot be dropped, or replaced by something newer. */
#define MOST_UNSENT (128 * 1024)

static void on_ready(uv_poll_t *poll, int status, int events);

static void limit_unsent(int fd) {
#ifdef TCP_NOTSENT_LOWAT
  int most = MOST_UNSENT;
  /* There is no such thing for a Unix socket. */
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof most);
#else
  (void)fd;
#endif
}

static void update(struct connection *connection) {
  int events = 0;
  if (connection->reads && !connection->ended) events |= UV_READABLE;
  if (connection->waits) events |= UV_WRITABLE;
  if (events != 0)
    uv_poll_start(&connection->poll, events, on_ready);
  else
    uv_poll_stop(&connection->poll);
}

struct connection *connection_open(struct loop *loop, int fd) {
  struct connection *connection = calloc(1, sizeof *connection);
  if (connection == NULL) return NULL;
  connection->loop = loop;
  connection->fd = fd;
  if (uv_poll_init(loop->uv, &connection->poll, fd) != 0) {
    free(connection);
    return NULL;
  }
  limit_unsent(fd);
  loop->open_handles++;
  connection->poll.data = connection;
  if (loop_take_slot(loop, connection) < 0) {
    /* Its own close callback frees it; the socket is left to whoever asked. */
    connection->slot = -1;
    connection->fd = -1;
    connection_close(connection);
    return NULL;
  }
  return connection;
}

static void on_closed(uv_handle_t *poll) {
  struct connection *connection = poll->data;
  struct loop *loop = connection->loop;
  free(connection);
  loop_handle_closed(loop);
}

void connection_close(struct connection *connection) {
  if (connection->visit != NULL) listener_left(connection);
  if (connection->slot >= 0) loop_free_slot(connection->loop, connection->slot);
  uv_close((uv_handle_t *)&connection->poll, on_closed);
  if (connection->fd >= 0) close(connection->fd);
}

void connection_watch(struct connection *connection, bool reads, bool waits) {
  if (connection->reads == reads && connection->waits == waits) return;
  connection->reads = reads;
  connection->waits = waits;
  update(connection);
}

static void read_once(struct connection *connection) {
  struct loop *loop = connection->loop;
  if (!loop_make_room(loop)) return;
  /* To make room was perhaps to call JavaScript, which may have closed or paused this one. */
  if (uv_is_closing((uv_handle_t *)&connection->poll) || !connection->reads) return;
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
    update(connection);
  } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
    connection->ended = true;
    connection->waits = false;
    loop_record(loop, connection, RECORD_ERROR, uv_translate_sys_error(errno));
    update(connection);
  }
}

static void on_ready(uv_poll_t *poll, int status, int events) {
  struct connection *connection = poll->data;
  struct loop *loop = connection->loop;
  if (connection->visit != NULL) {
    listener_look(connection, status);
    return;
  }
  if (status < 0) {
    /* uv has found an error on the socket, and no longer watches it; what came before the error is still read. */
    events = UV_READABLE | UV_WRITABLE;
    update(connection);
  }
  if ((events & UV_WRITABLE) != 0 && connection->waits) {
    if (!loop_make_room(loop) || uv_is_closing((uv_handle_t *)poll)) return;
    connection->waits = false;
    update(connection);
    loop_record(loop, connection, RECORD_WRITABLE, 0);
  }
  if ((events & UV_READABLE) != 0 && connection->reads && !connection->ended) read_once(connection);
}

int64_t connection_write(struct connection *connection, const struct iovec *pieces, size_t count) {
  struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = count};
  ssize_t taken;
  do taken = sendmsg(connection->fd, &message, SEND_FLAGS);
  while (taken < 0 && errno == EINTR);
  if (taken >= 0) return taken;
  if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
  return uv_translate_sys_error(errno);
}

int connection_end(struct connection *connection) {
  if (shutdown(connection->fd, SHUT_WR) == 0) return 0;
  return uv_translate_sys_error(errno);
}
