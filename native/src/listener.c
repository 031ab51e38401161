/* Accepts connections, and looks at how they begin without taking anything from them. */

#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connection.h"
#include "loop.h"

/* Accepted at a time, so that those who come do not starve those who are there. */
#define MOST_ACCEPTS 128
/* Milliseconds until it is tried again when a connection cannot be had. */
#define PAUSE 100

static int take_descriptor(void) {
  return open("/", O_RDONLY | O_CLOEXEC);
}

void listener_restore(struct listener *listener) {
  if (listener->reserve < 0) listener->reserve = take_descriptor();
}

static bool send_at_once(int fd) {
  int on = 1;
  return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
}

static int accept_one(int fd, union address *peer) {
  socklen_t length = sizeof *peer;
#if defined(__linux__)
  return accept4(fd, &peer->any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
  int accepted = accept(fd, &peer->any, &length);
  if (accepted >= 0) {
    fcntl(accepted, F_SETFD, FD_CLOEXEC);
    fcntl(accepted, F_SETFL, fcntl(accepted, F_GETFL) | O_NONBLOCK);
    send_at_once(accepted);
    connection_limit_unsent(accepted);
  }
  return accepted;
#endif
}

static void on_acceptable(uv_poll_t *poll, int status, int events);

static void on_paused(uv_timer_t *timer) {
  struct listener *listener = timer->data;
  uv_poll_start(&listener->poll, UV_READABLE, on_acceptable);
}

/* Who comes waits in the kernel. */
static void pause_accepting(struct listener *listener) {
  uv_poll_stop(&listener->poll);
  uv_timer_start(&listener->pause, on_paused, PAUSE, 0);
}

/* Cuts one for whom there is no file descriptor, so that it does not hang. False when that cannot be done either. */
static bool cut_one(struct listener *listener) {
  listener_restore(listener);
  if (listener->reserve < 0) return false;
  close(listener->reserve);
  union address peer;
  int fd = accept_one(listener->fd, &peer);
  int error = errno;
  if (fd >= 0) close(fd);
  listener->reserve = take_descriptor();
  errno = error;
  return fd >= 0;
}

static void on_silence(uv_timer_t *timer);

static void admit(struct listener *listener, int fd, const union address *peer) {
  struct visit *visit = calloc(1, sizeof *visit);
  struct connection *visitor = visit == NULL ? NULL : connection_open(listener->loop, fd);
  if (visitor == NULL) {
    free(visit);
    close(fd);
    return;
  }
  *visit = (struct visit){.listener = listener, .visitor = visitor, .next = listener->visits, .link = &listener->visits};
  if (visit->next != NULL) visit->next->link = &visit->next;
  listener->visits = visit;
  visit->peer = *peer;
  visitor->visit = visit;
  if (!uv_is_active((uv_handle_t *)&listener->silence))
    uv_timer_start(&listener->silence, on_silence, listener->patience, listener->patience);
  connection_watch(listener->loop, visitor, true, false);
}

static void on_acceptable(uv_poll_t *poll, int status, int events) {
  (void)status;
  (void)events;
  struct listener *listener = poll->data;
  for (int count = 0; count < MOST_ACCEPTS; count++) {
    union address peer;
    int fd = accept_one(listener->fd, &peer);
    if (fd >= 0) {
      admit(listener, fd, &peer);
      continue;
    }
    switch (errno) {
      case EAGAIN:
        return;
      /* These are about one who has gone already. */
      case EINTR:
      case ECONNABORTED:
      case EPROTO:
        break;
      case EMFILE:
      case ENFILE:
        if (cut_one(listener)) break;
        if (errno == EAGAIN) return;
        pause_accepting(listener);
        return;
      default:
        pause_accepting(listener);
        return;
    }
  }
}

/* Asks JavaScript what becomes of a visitor: one that has begun with these bytes, or one for somebody else. */
static void ask(struct loop *loop, struct connection *visitor, int32_t head) {
  visitor->visit->asked = true;
  loop_record(loop, visitor, head > 0 ? RECORD_REQUEST : RECORD_STRANGER, visitor->visit->listener->id);
  if (head == 0) return;
  loop_record(loop, visitor, (int32_t)loop->arena_used, head);
  loop->arena_used += ((size_t)head + 7) & ~(size_t)7;
}

/* The length of the head of a GET request; 0 when these bytes are none, or not a whole one. */
static int32_t head_of(const uint8_t *bytes, size_t length) {
  if (length < 4 || memcmp(bytes, "GET ", 4) != 0) return 0;
  const uint8_t *end = memmem(bytes, length, "\r\n\r\n", 4);
  return end == NULL ? 0 : (int32_t)(end - bytes) + 4;
}

void listener_look(struct loop *loop, struct connection *visitor, bool failed) {
  if (visitor->visit->asked) {
    /* What it has sent is still there, and would be told of again and again. */
    connection_watch(loop, visitor, false, false);
    return;
  }
  if (!loop_make_room(loop)) return;
  /* To make room was perhaps to call JavaScript, which may have closed the listener. */
  if (visitor->fd < 0 || visitor->visit == NULL) return;
  ssize_t length;
  do length = recv(visitor->fd, loop->arena + loop->arena_used, READ_SIZE, MSG_PEEK);
  while (length < 0 && errno == EINTR);
  if (length > 0) {
    ask(loop, visitor, head_of(loop->arena + loop->arena_used, (size_t)length));
  } else if (length == 0 || failed || (errno != EAGAIN && errno != EWOULDBLOCK)) {
    /* Gone without a word. */
    connection_close(loop, visitor);
  }
}

void listener_left(struct connection *visitor) {
  struct visit *visit = visitor->visit;
  *visit->link = visit->next;
  if (visit->next != NULL) visit->next->link = visit->link;
  free(visit);
  visitor->visit = NULL;
}

/* Those who have been silent since the last time, or longer, are for somebody else. */
static void on_silence(uv_timer_t *timer) {
  struct listener *listener = timer->data;
  struct loop *loop = listener->loop;
  if (listener->visits == NULL) {
    uv_timer_stop(timer);
    return;
  }
  for (struct visit *visit = listener->visits; visit != NULL; visit = visit->next) {
    if (visit->asked) continue;
    if (!visit->silent) {
      visit->silent = true;
      continue;
    }
    if (loop->record_count + 2 > loop->most_records) break;
    ask(loop, visit->visitor, 0);
  }
  /* The loop may sleep after this, and what it has read is told only then. This may close the listener. */
  loop_deliver(loop);
}

static void on_handle_closed(uv_handle_t *handle) {
  struct listener *listener = handle->data;
  struct loop *loop = listener->loop;
  if (--listener->open_handles == 0) free(listener);
  loop_handle_closed(loop);
}

void listener_close(struct listener *listener) {
  struct loop *loop = listener->loop;
  struct listener **link = &loop->listeners;
  while (*link != NULL && *link != listener) link = &(*link)->next;
  if (*link != NULL) *link = listener->next;
  uv_close((uv_handle_t *)&listener->pause, on_handle_closed);
  uv_close((uv_handle_t *)&listener->silence, on_handle_closed);
  uv_close((uv_handle_t *)&listener->poll, on_handle_closed);
  close(listener->fd);
  if (listener->reserve >= 0) close(listener->reserve);
}

struct listener *listener_find(const struct loop *loop, int32_t id) {
  struct listener *listener = loop->listeners;
  while (listener != NULL && listener->id != id) listener = listener->next;
  return listener;
}

/* A socket that listens there, or an error of uv's. */
static int listen_at(const union address *address, int backlog) {
  bool six = address->any.sa_family == AF_INET6;
  int fd = socket(address->any.sa_family, SOCK_STREAM, 0);
  if (fd < 0) return uv_translate_sys_error(errno);
  int on = 1;
  int off = 0;
  socklen_t length = six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
  /* On Linux those that are accepted begin with this, and are sent without delay as well. */
  connection_limit_unsent(fd);
  bool done = fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
              setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 && send_at_once(fd) &&
              (!six || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0) &&
              bind(fd, &address->any, length) == 0 && listen(fd, backlog) == 0;
  if (done) return fd;
  int error = uv_translate_sys_error(errno);
  close(fd);
  return error;
}

int32_t listener_open(struct loop *loop, const union address *address, int backlog, uint64_t patience) {
  struct listener *listener = calloc(1, sizeof *listener);
  if (listener == NULL) return UV_ENOMEM;
  listener->fd = listen_at(address, backlog);
  int error = listener->fd < 0 ? listener->fd : uv_poll_init(loop->uv, &listener->poll, listener->fd);
  if (error != 0) {
    if (listener->fd >= 0) close(listener->fd);
    free(listener);
    return error;
  }
  listener->loop = loop;
  listener->id = loop->listeners_made++;
  listener->reserve = take_descriptor();
  /* While there are file descriptors. */
  loop_has_poller(loop);
  listener->patience = patience;
  listener->poll.data = listener;
  uv_timer_init(loop->uv, &listener->pause);
  uv_timer_init(loop->uv, &listener->silence);
  listener->pause.data = listener;
  listener->silence.data = listener;
  listener->open_handles = 3;
  loop->open_handles += 3;
  listener->next = loop->listeners;
  loop->listeners = listener;
  uv_poll_start(&listener->poll, UV_READABLE, on_acceptable);
  return listener->id;
}
