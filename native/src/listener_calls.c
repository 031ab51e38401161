#include "listener_calls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call.h"
#include "connection.h"
#include "listener.h"

#define MOST_ADDRESS 128

static struct listener *listener_of(napi_env env, struct loop *loop, napi_value id) {
  return loop->closing ? NULL : listener_find(loop, int_of(env, id));
}

/* A visitor whose fate is asked for; NULL for any other number. */
static struct connection *visitor_of(napi_env env, struct loop *loop, napi_value slot) {
  struct connection *connection = connection_of(env, loop, slot);
  return connection != NULL && connection->visit != NULL ? connection : NULL;
}

/* As Node writes it; undefined for what is no address of IPv4 or IPv6. */
static napi_value address_text(napi_env env, const union address *address) {
  char text[MOST_ADDRESS];
  napi_value result = NULL;
  if (address->any.sa_family == AF_INET) {
    if (uv_ip4_name(&address->four, text, sizeof text) != 0) return NULL;
  } else if (address->any.sa_family == AF_INET6) {
    const struct sockaddr_in6 *six = &address->six;
    if (uv_ip6_name(six, text, sizeof text) != 0) return NULL;
    size_t length = strlen(text);
    if (IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr) && six->sin6_scope_id > 0 && length + 2 < sizeof text) {
      size_t room = sizeof text - length - 1;
      text[length] = '%';
      if (uv_if_indextoiid(six->sin6_scope_id, text + length + 1, &room) != 0) text[length] = '\0';
    }
  } else {
    return NULL;
  }
  napi_create_string_latin1(env, text, NAPI_AUTO_LENGTH, &result);
  return result;
}

/* listen(address, port, backlog, patience): the id of a listener, or an error of uv's. */
static napi_value listen_at(napi_env env, napi_callback_info info) {
  napi_value values[4];
  struct loop *loop;
  char text[MOST_ADDRESS];
  size_t length = 0;
  if (!arguments(env, info, 4, values, &loop) || loop->closing ||
      napi_get_value_string_latin1(env, values[0], text, sizeof text, &length) != napi_ok)
    return number(env, UV_EINVAL);
  int port = int_of(env, values[1]);
  int32_t backlog = int_of(env, values[2]);
  int32_t patience = int_of(env, values[3]);
  union address address;
  int error = strchr(text, ':') == NULL ? uv_ip4_addr(text, port, &address.four) : uv_ip6_addr(text, port, &address.six);
  if (error != 0 || backlog < 1 || patience < 1) return number(env, UV_EINVAL);
  return number(env, listener_open(loop, &address, backlog, (uint64_t)patience));
}

/* [address, port] of a listener, where it really is. */
static napi_value bound(napi_env env, napi_callback_info info) {
  napi_value values[1];
  struct loop *loop;
  napi_value result = NULL;
  union address address;
  socklen_t length = sizeof address;
  if (!arguments(env, info, 1, values, &loop)) return NULL;
  struct listener *listener = listener_of(env, loop, values[0]);
  if (listener == NULL || getsockname(listener->fd, &address.any, &length) != 0) return NULL;
  /* The port is at the same place for both. */
  napi_value text = address_text(env, &address);
  if (text == NULL || napi_create_array_with_length(env, 2, &result) != napi_ok) return NULL;
  napi_set_element(env, result, 0, text);
  napi_set_element(env, result, 1, number(env, ntohs(address.four.sin_port)));
  return result;
}

/* unlisten(id): gives up the port. The file descriptors of the visitors, which are the caller's from here on. */
static napi_value unlisten(napi_env env, napi_callback_info info) {
  napi_value values[1];
  struct loop *loop;
  napi_value result = NULL;
  if (!arguments(env, info, 1, values, &loop) || napi_create_array(env, &result) != napi_ok) return NULL;
  struct listener *listener = listener_of(env, loop, values[0]);
  if (listener == NULL) return result;
  uint32_t count = 0;
  while (listener->visits != NULL) {
    int fd = connection_release(loop, listener->visits->visitor);
    if (napi_set_element(env, result, count++, number(env, fd)) != napi_ok) close(fd);
  }
  listener_close(listener);
  return result;
}

/* restore(id): takes a file descriptor in reserve again, where it was lost. */
static napi_value restore(napi_env env, napi_callback_info info) {
  napi_value values[1];
  struct loop *loop;
  if (!arguments(env, info, 1, values, &loop)) return NULL;
  struct listener *listener = listener_of(env, loop, values[0]);
  if (listener != NULL) listener_restore(listener);
  return NULL;
}

/* take(slot, length): so much has been read, and what follows is read as from any connection. 0, or an error of uv's. */
static napi_value take(napi_env env, napi_callback_info info) {
  napi_value values[2];
  struct loop *loop;
  if (!arguments(env, info, 2, values, &loop)) return number(env, UV_EINVAL);
  struct connection *visitor = visitor_of(env, loop, values[0]);
  int32_t left = int_of(env, values[1]);
  if (visitor == NULL || left < 0) return number(env, UV_EINVAL);
  listener_left(visitor);
  uint8_t read[4096];
  while (left > 0) {
    size_t most = (size_t)left < sizeof read ? (size_t)left : sizeof read;
    ssize_t length;
    do length = recv(visitor->fd, read, most, 0);
    while (length < 0 && errno == EINTR);
    /* They have been there already. */
    if (length <= 0) return number(env, length == 0 ? UV_EOF : uv_translate_sys_error(errno));
    left -= (int32_t)length;
  }
  return number(env, 0);
}

/* give(slot): the visitor's file descriptor, which is the caller's from here on; below 0 when it is gone. */
static napi_value give_visitor(napi_env env, napi_callback_info info) {
  napi_value values[1];
  struct loop *loop;
  if (!arguments(env, info, 1, values, &loop)) return number(env, UV_EINVAL);
  struct connection *visitor = visitor_of(env, loop, values[0]);
  return number(env, visitor == NULL ? UV_EBADF : connection_release(loop, visitor));
}

/* peer(slot): the address that a visitor comes from. */
static napi_value peer(napi_env env, napi_callback_info info) {
  napi_value values[1];
  struct loop *loop;
  if (!arguments(env, info, 1, values, &loop)) return NULL;
  struct connection *visitor = visitor_of(env, loop, values[0]);
  return visitor == NULL ? NULL : address_text(env, &visitor->visit->peer);
}

bool listener_define(napi_env env, napi_value object, struct loop *loop) {
  static const struct function functions[] = {
      {"listen", listen_at}, {"bound", bound},       {"unlisten", unlisten}, {"restore", restore},
      {"take", take},        {"give", give_visitor}, {"peer", peer},
  };
  return define(env, object, functions, sizeof functions / sizeof *functions, loop);
}
