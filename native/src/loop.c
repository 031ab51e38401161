/* The turn: what all sockets bring in one turn of the event loop lies in one arena, and JavaScript is called once. */

#include "loop.h"

#include <stdlib.h>

#include "connection.h"
#include "listener.h"
#include "poller.h"

/* Connections of a block. */
#define BLOCK ((size_t)256)

static void on_check(uv_check_t *check);
static void on_env_ends(napi_async_cleanup_hook_handle hook, void *data);

/* A view's memory, kept from being collected. */
static bool keep(napi_env env, napi_value view, napi_ref *kept, void **data, size_t *bytes) {
  napi_typedarray_type type;
  size_t length;
  if (napi_get_typedarray_info(env, view, &type, &length, data, NULL, NULL) != napi_ok) return false;
  *bytes = type == napi_int32_array ? length * 4 : length;
  return napi_create_reference(env, view, 1, kept) == napi_ok;
}

struct loop *loop_create(napi_env env, napi_value arena, napi_value records, napi_value outgoing, napi_value on_turn) {
  struct loop *loop = calloc(1, sizeof *loop);
  if (loop == NULL) return NULL;
  loop->env = env;
  void *arena_data;
  void *records_data;
  size_t records_size;
  void *outgoing_data;
  size_t outgoing_size;
  napi_value name;
  if (napi_get_uv_event_loop(env, &loop->uv) != napi_ok ||
      !keep(env, arena, &loop->kept_arena, &arena_data, &loop->arena_size) ||
      !keep(env, records, &loop->kept_records, &records_data, &records_size) ||
      !keep(env, outgoing, &loop->kept_outgoing, &outgoing_data, &outgoing_size) ||
      napi_create_reference(env, on_turn, 1, &loop->on_turn) != napi_ok ||
      napi_create_string_utf8(env, "heartwire", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_async_init(env, NULL, name, &loop->context) != napi_ok) {
    free(loop);
    return NULL;
  }
  loop->arena = arena_data;
  loop->records = records_data;
  loop->most_records = records_size / sizeof(struct record);
  loop->outgoing = outgoing_data;
  loop->most_outgoing = outgoing_size / sizeof(struct outgoing);
  uv_check_init(loop->uv, &loop->check);
  loop->check.data = loop;
  uv_check_start(&loop->check, on_check);
  /* Only connections keep the process alive: it is referenced while one waits for something. */
  uv_unref((uv_handle_t *)&loop->check);
  loop->open_handles = 1;
  if (napi_add_async_cleanup_hook(env, on_env_ends, loop, &loop->hook) != napi_ok) abort();
  return loop;
}

void loop_deliver(struct loop *loop) {
  if (loop->record_count == 0 || loop->closing) return;
  napi_env env = loop->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value global;
  napi_value on_turn;
  napi_value count;
  if (napi_get_global(env, &global) == napi_ok && napi_get_reference_value(env, loop->on_turn, &on_turn) == napi_ok &&
      napi_create_uint32(env, (uint32_t)loop->record_count, &count) == napi_ok) {
    /* Drains nextTick and the microtasks behind the whole batch. */
    napi_status status = napi_make_callback(env, loop->context, global, on_turn, 1, &count, NULL);
    napi_value error;
    bool pending = false;
    /* What is thrown behind the batch is the process's, as from a callback of Node's own. */
    if (status == napi_pending_exception && napi_is_exception_pending(env, &pending) == napi_ok && pending &&
        napi_get_and_clear_last_exception(env, &error) == napi_ok)
      napi_fatal_exception(env, error);
  }
  loop->record_count = 0;
  loop->arena_used = 0;
  napi_close_handle_scope(env, scope);
}

static void on_check(uv_check_t *check) {
  struct loop *loop = check->data;
  loop_deliver(loop);
  loop->free_count += loop->left_count;
  loop->left_count = 0;
}

bool loop_make_room(struct loop *loop) {
  if (loop->arena_size - loop->arena_used < READ_SIZE || loop->record_count + 2 > loop->most_records) loop_deliver(loop);
  return !loop->closing;
}

void loop_record(struct loop *loop, const struct connection *from, int32_t offset, int32_t length) {
  struct record *record = &loop->records[loop->record_count++];
  record->slot = from->slot;
  record->offset = offset;
  record->length = length;
}

bool loop_has_poller(struct loop *loop) {
  if (loop->poller == NULL) loop->poller = poller_open(loop);
  return loop->poller != NULL;
}

static struct connection *place(const struct loop *loop, size_t slot) {
  return &loop->blocks[slot / BLOCK][slot % BLOCK];
}

/* Room for more connections. False when memory is short. */
static bool add_block(struct loop *loop) {
  size_t count = loop->slots / BLOCK;
  /* These grow to twice of what they are, whenever that is a power of two. */
  if ((count & (count - 1)) == 0) {
    size_t most = count == 0 ? 1 : count * 2;
    struct connection **blocks = realloc(loop->blocks, most * sizeof *blocks);
    if (blocks == NULL) return false;
    loop->blocks = blocks;
    int32_t *free_slots = realloc(loop->free_slots, most * BLOCK * sizeof *free_slots);
    if (free_slots == NULL) return false;
    loop->free_slots = free_slots;
  }
  struct connection *block = calloc(BLOCK, sizeof *block);
  if (block == NULL) return false;
  loop->blocks[count] = block;
  loop->slots += BLOCK;
  return true;
}

struct connection *loop_take_slot(struct loop *loop) {
  size_t slot;
  if (loop->free_count > 0) {
    slot = (size_t)loop->free_slots[--loop->free_count];
    loop->free_slots[loop->free_count] = loop->free_slots[loop->free_count + loop->left_count];
  } else {
    if (loop->slots_made == loop->slots && !add_block(loop)) return NULL;
    slot = loop->slots_made++;
  }
  struct connection *connection = place(loop, slot);
  connection->fd = -1;
  connection->slot = (int32_t)slot;
  return connection;
}

void loop_free_slot(struct loop *loop, int32_t slot) {
  loop->free_slots[loop->free_count + loop->left_count++] = slot;
}

struct connection *loop_connection(const struct loop *loop, int32_t slot) {
  if (slot < 0 || (size_t)slot >= loop->slots_made) return NULL;
  struct connection *connection = place(loop, (size_t)slot);
  return connection->fd < 0 ? NULL : connection;
}

void loop_hold(struct loop *loop) {
  /* The handle that is always there stands for all of them. */
  if (loop->holds++ == 0) uv_ref((uv_handle_t *)&loop->check);
}

void loop_let_go(struct loop *loop) {
  if (--loop->holds == 0) uv_unref((uv_handle_t *)&loop->check);
}

void loop_handle_closed(struct loop *loop) {
  if (--loop->open_handles > 0 || !loop->closing) return;
  napi_remove_async_cleanup_hook(loop->hook);
  for (size_t first = 0; first < loop->slots; first += BLOCK) free(loop->blocks[first / BLOCK]);
  free(loop->blocks);
  free(loop->free_slots);
  free(loop);
}

static void on_check_closed(uv_handle_t *check) {
  loop_handle_closed(check->data);
}

/* The thread ends: what it has of uv's is closed first, and then the rest is freed. */
static void on_env_ends(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  struct loop *loop = data;
  loop->closing = true;
  for (size_t slot = 0; slot < loop->slots_made; slot++) {
    struct connection *connection = loop_connection(loop, (int32_t)slot);
    if (connection != NULL) connection_close(loop, connection);
  }
  while (loop->listeners != NULL) listener_close(loop->listeners);
  if (loop->poller != NULL) poller_close(loop->poller);
  uv_close((uv_handle_t *)&loop->check, on_check_closed);
  /* Node frees none of these with the thread. */
  napi_delete_reference(loop->env, loop->kept_arena);
  napi_delete_reference(loop->env, loop->kept_records);
  napi_delete_reference(loop->env, loop->kept_outgoing);
  napi_delete_reference(loop->env, loop->on_turn);
  napi_async_destroy(loop->env, loop->context);
}
