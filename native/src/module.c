/* What JavaScript calls. Arguments come from heartwire itself; places and ranges are checked all the same. */

#include <errno.h>
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

#include "call.h"
#include "connection.h"
#include "listener_calls.h"
#include "loop.h"
#include "mask.h"

/* Pieces of one write; callers give more in several. */
#define MOST_PIECES 64

/* The bytes of a Uint8Array from one place to another; NULL unless they are within it. */
static uint8_t *range(napi_env env, napi_value view, int32_t from, int32_t to) {
  void *data = NULL;
  size_t length = 0;
  napi_typedarray_type type;
  if (napi_get_typedarray_info(env, view, &type, &length, &data, NULL, NULL) != napi_ok) return NULL;
  if (type != napi_uint8_array || from < 0 || to < from || (size_t)to > length || data == NULL) return NULL;
  return (uint8_t *)data + from;
}

/* adopt(fd): a connection on a duplicate of this socket. Its slot, or an error of uv's. */
static napi_value adopt(napi_env env, napi_callback_info info) {
  napi_value values[1];
  struct loop *loop;
  if (!arguments(env, info, 1, values, &loop) || loop->closing) return number(env, UV_EINVAL);
  /* A child process must not keep the connection open. */
  int fd = fcntl(int_of(env, values[0]), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return number(env, uv_translate_sys_error(errno));
  struct connection *connection = connection_open(loop, fd);
  if (connection == NULL) {
    close(fd);
    return number(env, UV_ENOMEM);
  }
  connection_limit_unsent(fd);
  return number(env, connection->slot);
}

/* watch(slot, reads, waits) */
static napi_value watch(napi_env env, napi_callback_info info) {
  napi_value values[3];
  struct loop *loop;
  if (!arguments(env, info, 3, values, &loop)) return NULL;
  struct connection *connection = connection_of(env, loop, values[0]);
  bool reads = false;
  bool waits = false;
  napi_get_value_bool(env, values[1], &reads);
  napi_get_value_bool(env, values[2], &waits);
  if (connection != NULL) connection_watch(loop, connection, reads, waits);
  return NULL;
}

/* write(slot, bytes, from, to): how many the kernel took, or an error of uv's. */
static napi_value write_bytes(napi_env env, napi_callback_info info) {
  napi_value values[4];
  struct loop *loop;
  if (!arguments(env, info, 4, values, &loop)) return number(env, UV_EINVAL);
  struct connection *connection = connection_of(env, loop, values[0]);
  int32_t from = int_of(env, values[2]);
  int32_t to = int_of(env, values[3]);
  uint8_t *bytes = range(env, values[1], from, to);
  if (connection == NULL || bytes == NULL) return number(env, UV_EINVAL);
  struct iovec piece = {.iov_base = bytes, .iov_len = (size_t)(to - from)};
  return number(env, connection_write(connection, &piece, 1));
}

/* writeAll(slot, pieces): the same for an array of at most 64 Uint8Arrays. */
static napi_value write_all(napi_env env, napi_callback_info info) {
  napi_value values[2];
  struct loop *loop;
  if (!arguments(env, info, 2, values, &loop)) return number(env, UV_EINVAL);
  struct connection *connection = connection_of(env, loop, values[0]);
  uint32_t count = 0;
  napi_get_array_length(env, values[1], &count);
  if (connection == NULL || count == 0) return number(env, UV_EINVAL);
  if (count > MOST_PIECES) count = MOST_PIECES;
  struct iovec pieces[MOST_PIECES];
  for (uint32_t i = 0; i < count; i++) {
    napi_value view;
    napi_typedarray_type type;
    if (napi_get_element(env, values[1], i, &view) != napi_ok ||
        napi_get_typedarray_info(env, view, &type, &pieces[i].iov_len, &pieces[i].iov_base, NULL, NULL) != napi_ok ||
        type != napi_uint8_array)
      return number(env, UV_EINVAL);
  }
  return number(env, connection_write(connection, pieces, count));
}

/* What the kernel takes of some bytes for a connection to which all before them has gone. */
static int32_t send_one(struct loop *loop, const struct outgoing *outgoing, uint8_t *bytes, size_t length) {
  struct connection *connection = loop_connection(loop, outgoing->slot);
  int32_t from = outgoing->from;
  int32_t to = outgoing->to;
  if (connection == NULL || from < 0 || to < from || (size_t)to > length) return UV_EINVAL;
  if (connection->stuck) return 0;
  struct iovec piece = {.iov_base = bytes + from, .iov_len = (size_t)(to - from)};
  int32_t taken = (int32_t)connection_write(connection, &piece, 1);
  connection->stuck = taken != to - from;
  return taken;
}

/* send(count, bytes): to everyone what the first of `outgoing` say. How many of these were not taken as a whole. */
static napi_value send_outgoing(napi_env env, napi_callback_info info) {
  napi_value values[2];
  struct loop *loop;
  void *bytes = NULL;
  size_t length = 0;
  napi_typedarray_type type;
  if (!arguments(env, info, 2, values, &loop) || loop->closing) return number(env, 0);
  int32_t count = int_of(env, values[0]);
  if (count < 0 || (size_t)count > loop->most_outgoing ||
      napi_get_typedarray_info(env, values[1], &type, &length, &bytes, NULL, NULL) != napi_ok || type != napi_uint8_array)
    return number(env, 0);
  int32_t held = 0;
  for (int32_t i = 0; i < count; i++) {
    struct outgoing *outgoing = &loop->outgoing[i];
    outgoing->taken = send_one(loop, outgoing, bytes, length);
    if (outgoing->taken != outgoing->to - outgoing->from) held++;
  }
  for (int32_t i = 0; i < count && held > 0; i++) {
    struct connection *connection = loop_connection(loop, loop->outgoing[i].slot);
    if (connection != NULL) connection->stuck = false;
  }
  return number(env, held);
}

/* end(slot): 0, or an error of uv's. */
static napi_value end(napi_env env, napi_callback_info info) {
  napi_value values[1];
  struct loop *loop;
  if (!arguments(env, info, 1, values, &loop)) return number(env, UV_EINVAL);
  struct connection *connection = connection_of(env, loop, values[0]);
  return number(env, connection == NULL ? UV_EINVAL : connection_end(connection));
}

/* close(slot) */
static napi_value close_slot(napi_env env, napi_callback_info info) {
  napi_value values[1];
  struct loop *loop;
  if (!arguments(env, info, 1, values, &loop)) return NULL;
  struct connection *connection = connection_of(env, loop, values[0]);
  if (connection != NULL) connection_close(loop, connection);
  return NULL;
}

/* mask(source, start, end, target, at, key): whether all that was written is ASCII. Nothing is done with ranges that are none. */
static napi_value mask(napi_env env, napi_callback_info info) {
  napi_value values[6];
  if (!arguments(env, info, 6, values, NULL)) return boolean(env, false);
  int32_t from = int_of(env, values[1]);
  int32_t to = int_of(env, values[2]);
  int32_t at = int_of(env, values[4]);
  uint8_t *source = range(env, values[0], from, to);
  if (source == NULL || at < 0) return boolean(env, false);
  uint8_t *target = range(env, values[3], at, at + (to - from));
  if (target == NULL) return boolean(env, false);
  return boolean(env, mask_bytes(target, source, (size_t)(to - from), (uint32_t)int_of(env, values[5])));
}

/* errorName(number): as in ECONNRESET. */
static napi_value error_name(napi_env env, napi_callback_info info) {
  napi_value values[1];
  napi_value name = NULL;
  if (arguments(env, info, 1, values, NULL))
    napi_create_string_utf8(env, uv_err_name(int_of(env, values[0])), NAPI_AUTO_LENGTH, &name);
  return name;
}

/* open(arena, records, outgoing, onTurn): what there is to do on this thread's event loop. */
static napi_value open_loop(napi_env env, napi_callback_info info) {
  static const struct function functions[] = {
      {"adopt", adopt}, {"watch", watch},        {"write", write_bytes}, {"writeAll", write_all},
      {"end", end},     {"close", close_slot}, {"send", send_outgoing},
  };
  napi_value values[4];
  napi_value result = NULL;
  struct loop *loop = NULL;
  if (arguments(env, info, 4, values, NULL)) loop = loop_create(env, values[0], values[1], values[2], values[3]);
  if (loop == NULL || napi_create_object(env, &result) != napi_ok ||
      !define(env, result, functions, sizeof functions / sizeof *functions, loop) || !listener_define(env, result, loop))
    napi_throw_error(env, NULL, "the event loop cannot be used");
  return result;
}

NAPI_MODULE_INIT() {
  static const struct function functions[] = {{"open", open_loop}, {"mask", mask}, {"errorName", error_name}};
  if (!define(env, exports, functions, sizeof functions / sizeof *functions, NULL))
    napi_throw_error(env, NULL, "heartwire's functions cannot be defined");
  return exports;
}
