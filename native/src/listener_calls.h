#ifndef HEARTWIRE_LISTENER_CALLS_H
#define HEARTWIRE_LISTENER_CALLS_H

#include <node_api.h>
#include <stdbool.h>

struct loop;

/* What JavaScript calls of listeners and their visitors. */
bool listener_define(napi_env env, napi_value object, struct loop *loop);

#endif
