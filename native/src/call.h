#ifndef HEARTWIRE_CALL_H
#define HEARTWIRE_CALL_H

/* The arguments and the answers of what JavaScript calls. */

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"

struct function {
  const char *name;
  napi_callback call;
};

static inline napi_value number(napi_env env, int64_t value) {
  napi_value result = NULL;
  napi_create_int64(env, value, &result);
  return result;
}

static inline napi_value boolean(napi_env env, bool value) {
  napi_value result = NULL;
  napi_get_boolean(env, value, &result);
  return result;
}

/* The arguments of a call; false when there are fewer. What is there of `loop` was given when the function was made. */
static inline bool arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values, struct loop **loop) {
  size_t given = count;
  void *data = NULL;
  if (napi_get_cb_info(env, info, &given, values, NULL, &data) != napi_ok || given < count) return false;
  if (loop != NULL) *loop = data;
  return true;
}

static inline int32_t int_of(napi_env env, napi_value value) {
  int32_t result = -1;
  napi_get_value_int32(env, value, &result);
  return result;
}

static inline struct connection *connection_of(napi_env env, struct loop *loop, napi_value slot) {
  return loop->closing ? NULL : loop_connection(loop, int_of(env, slot));
}

static inline bool define(napi_env env, napi_value object, const struct function *functions, size_t count, void *data) {
  for (size_t i = 0; i < count; i++) {
    napi_value function;
    if (napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].call, data, &function) != napi_ok ||
        napi_set_named_property(env, object, functions[i].name, function) != napi_ok)
      return false;
  }
  return true;
}

#endif
