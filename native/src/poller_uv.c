/* Which sockets are ready, where there is no epoll: a handle of libuv's for each. */

#include "poller.h"

#include <stdlib.h>
#include <uv.h>

#include "connection.h"
#include "loop.h"

struct watch {
  uv_poll_t poll;
  struct loop *loop;
  int32_t slot;
  int events; /* of uv's */
};

struct poller {
  struct loop *loop;
  struct watch **watches; /* by slot */
  size_t slots;
};

struct poller *poller_open(struct loop *loop) {
  struct poller *poller = calloc(1, sizeof *poller);
  if (poller != NULL) poller->loop = loop;
  return poller;
}

void poller_close(struct poller *poller) {
  free(poller->watches);
  free(poller);
}

static void on_ready(uv_poll_t *poll, int status, int events) {
  struct watch *watch = poll->data;
  unsigned ready = 0;
  if ((events & UV_READABLE) != 0) ready |= POLLER_READ;
  if ((events & UV_WRITABLE) != 0) ready |= POLLER_WRITE;
  if (status < 0) {
    /* uv has stopped to watch it. */
    if (watch->events != 0) uv_poll_start(poll, watch->events, on_ready);
    ready = POLLER_READ | POLLER_WRITE | POLLER_FAILED;
  }
  connection_ready(watch->loop, watch->slot, ready);
}

/* Room for this slot. */
static bool reserve(struct poller *poller, size_t slot) {
  if (slot < poller->slots) return true;
  size_t more = (slot + 1) * 2;
  struct watch **watches = realloc(poller->watches, more * sizeof *watches);
  if (watches == NULL) return false;
  poller->watches = watches;
  poller->slots = more;
  return true;
}

static void on_closed(uv_handle_t *poll) {
  struct watch *watch = poll->data;
  struct loop *loop = watch->loop;
  free(watch);
  loop_handle_closed(loop);
}

bool poller_add(struct poller *poller, int32_t slot, int fd) {
  struct loop *loop = poller->loop;
  if (!reserve(poller, (size_t)slot)) return false;
  struct watch *watch = calloc(1, sizeof *watch);
  if (watch == NULL) return false;
  if (uv_poll_init(loop->uv, &watch->poll, fd) != 0) {
    free(watch);
    return false;
  }
  loop->open_handles++;
  watch->poll.data = watch;
  watch->loop = loop;
  watch->slot = slot;
  poller->watches[slot] = watch;
  /* What keeps the process alive is what connections wait for. */
  uv_unref((uv_handle_t *)&watch->poll);
  poller_watch(poller, slot, fd, POLLER_READ);
  return true;
}

void poller_watch(struct poller *poller, int32_t slot, int fd, unsigned events) {
  (void)fd;
  struct watch *watch = poller->watches[slot];
  watch->events = 0;
  if ((events & POLLER_READ) != 0) watch->events |= UV_READABLE;
  if ((events & POLLER_WRITE) != 0) watch->events |= UV_WRITABLE;
  if (watch->events != 0)
    uv_poll_start(&watch->poll, watch->events, on_ready);
  else
    uv_poll_stop(&watch->poll);
}

void poller_remove(struct poller *poller, int32_t slot, int fd) {
  (void)fd;
  uv_close((uv_handle_t *)&poller->watches[slot]->poll, on_closed);
}
