/* Which sockets are ready: an epoll of the loop's own, which libuv watches as one file descriptor. */

#include "poller.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uv.h>

#include "connection.h"
#include "loop.h"

/* Ready sockets that the kernel is asked for at a time. */
#define MOST_READY 1024

struct poller {
  uv_poll_t poll;
  struct loop *loop;
  int fd;
  int watched;
};

static void on_ready(uv_poll_t *poll, int status, int events);

struct poller *poller_open(struct loop *loop) {
  struct poller *poller = calloc(1, sizeof *poller);
  if (poller == NULL) return NULL;
  poller->loop = loop;
  poller->fd = epoll_create1(EPOLL_CLOEXEC);
  if (poller->fd < 0 || uv_poll_init(loop->uv, &poller->poll, poller->fd) != 0) {
    if (poller->fd >= 0) close(poller->fd);
    free(poller);
    return NULL;
  }
  poller->poll.data = poller;
  loop->open_handles++;
  uv_poll_start(&poller->poll, UV_READABLE, on_ready);
  /* What keeps the process alive is what connections wait for. */
  uv_unref((uv_handle_t *)&poller->poll);
  return poller;
}

static void on_closed(uv_handle_t *poll) {
  struct poller *poller = poll->data;
  struct loop *loop = poller->loop;
  free(poller);
  loop_handle_closed(loop);
}

void poller_close(struct poller *poller) {
  uv_close((uv_handle_t *)&poller->poll, on_closed);
  close(poller->fd);
}

static int control(struct poller *poller, int operation, int32_t slot, int fd, unsigned events) {
  struct epoll_event event = {.data = {.u32 = (uint32_t)slot}};
  if ((events & POLLER_READ) != 0) event.events |= EPOLLIN;
  if ((events & POLLER_WRITE) != 0) event.events |= EPOLLOUT;
  /* Errors and hang-ups are told all the same: only once, where nobody is there to do something about it. */
  if (events == 0) event.events = EPOLLET;
  return epoll_ctl(poller->fd, operation, fd, &event);
}

bool poller_add(struct poller *poller, int32_t slot, int fd) {
  if (control(poller, EPOLL_CTL_ADD, slot, fd, POLLER_READ) != 0) return false;
  poller->watched++;
  return true;
}

void poller_watch(struct poller *poller, int32_t slot, int fd, unsigned events) {
  control(poller, EPOLL_CTL_MOD, slot, fd, events);
}

void poller_remove(struct poller *poller, int32_t slot, int fd) {
  /* To close it is not enough: a child process that was begun just now may have the socket still, and then it is told of. */
  control(poller, EPOLL_CTL_DEL, slot, fd, 0);
  poller->watched--;
}

static unsigned events_of(uint32_t ready) {
  unsigned events = 0;
  if ((ready & EPOLLIN) != 0) events |= POLLER_READ;
  if ((ready & EPOLLOUT) != 0) events |= POLLER_WRITE;
  if ((ready & (EPOLLERR | EPOLLHUP)) != 0) events |= POLLER_READ | POLLER_WRITE;
  if ((ready & EPOLLERR) != 0) events |= POLLER_FAILED;
  return events;
}

static void on_ready(uv_poll_t *poll, int status, int events) {
  (void)status;
  (void)events;
  struct poller *poller = poll->data;
  struct loop *loop = poller->loop;
  /*
   * All that are ready are told of, as the kernel puts those that stay ready behind the others: whoever judges a peer by
   * its silence relies on it that a turn has brought what the kernel held.
   */
  int left = poller->watched;
  while (left > 0) {
    struct epoll_event ready[MOST_READY];
    int count = epoll_wait(poller->fd, ready, MOST_READY, 0);
    if (count < 0 && errno == EINTR) continue;
    for (int i = 0; i < count; i++) {
      /* What happens to one may be that JavaScript is called, and ends the environment. */
      if (loop->closing) return;
      connection_ready(loop, (int32_t)ready[i].data.u32, events_of(ready[i].events));
    }
    if (count < MOST_READY) return;
    left -= count;
  }
}
