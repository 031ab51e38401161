#ifndef HEARTWIRE_LOOP_H
#define HEARTWIRE_LOOP_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct connection;
struct listener;
struct poller;

/* What a record of a turn says. The field `offset` is where bytes begin in the arena, or one of these. */
enum {
  RECORD_END = -1,
  RECORD_ERROR = -2,
  RECORD_WRITABLE = -3,
  /* A visitor has begun with a request, whose head the next record has. */
  RECORD_REQUEST = -4,
  /* A visitor has begun with something else, or with nothing. */
  RECORD_STRANGER = -5,
};

/* The three numbers of a record. JavaScript reads them from the same memory. */
struct record {
  int32_t slot;
  int32_t offset;
  int32_t length; /* of the bytes; with RECORD_ERROR, the error's number as uv has it; of a visitor, the listener's id */
};

/* What is to be sent to whom: the bytes from one place to another. JavaScript writes it, and reads what was taken. */
struct outgoing {
  int32_t slot;
  int32_t from;
  int32_t to;
  int32_t taken; /* how many of the bytes, or an error of uv's */
};

/* What one environment (the main thread, or a worker) has: an event loop, and the connections on it. */
struct loop {
  napi_env env;
  uv_loop_t *uv;
  uv_check_t check;
  napi_async_context context;
  napi_async_cleanup_hook_handle hook;
  napi_ref on_turn; /* called once a turn, with the number of records */

  /* Memory of JavaScript's that is shared for good. Nobody else has its ArrayBuffers, so they are never detached. */
  napi_ref kept_arena;
  napi_ref kept_records;
  napi_ref kept_outgoing;
  uint8_t *arena;
  size_t arena_size;
  size_t arena_used;
  struct record *records;
  size_t most_records;
  size_t record_count;
  struct outgoing *outgoing;
  size_t most_outgoing;

  struct poller *poller; /* from the first listener or connection on */
  size_t holds;          /* connections that wait for something, and keep the process alive */

  /* By slot, in blocks that stay where they are. */
  struct connection **blocks;
  size_t slots; /* for which there are blocks */
  size_t slots_made;
  /* Slots to be had again: the first `free_count`. Behind them those about which there may be records still. */
  int32_t *free_slots;
  size_t free_count;
  size_t left_count;

  struct listener *listeners;
  int32_t listeners_made;

  size_t open_handles; /* of uv, until their close callbacks */
  bool closing;
};

/* Room for one read: what a connection may bring in a turn, so that none starves the others. */
#define READ_SIZE ((size_t)64 * 1024)

struct loop *loop_create(napi_env env, napi_value arena, napi_value records, napi_value outgoing, napi_value on_turn);

/* Room for a read and a record: what is there is delivered first if need be. False when the environment is ending. */
bool loop_make_room(struct loop *loop);

void loop_record(struct loop *loop, const struct connection *from, int32_t offset, int32_t length);

/* Gives everything that has come in to JavaScript. */
void loop_deliver(struct loop *loop);

/* Has a poller from here on, unless memory or file descriptors are short, which they may not be the next time. */
bool loop_has_poller(struct loop *loop);

/* One that is closed, in its slot; NULL when memory is short. Nothing in this turn is about who was there before. */
struct connection *loop_take_slot(struct loop *loop);
void loop_free_slot(struct loop *loop, int32_t slot);

/* The connection in a slot; NULL for any number that is no slot's, or a free one's. */
struct connection *loop_connection(const struct loop *loop, int32_t slot);

/* A connection begins to wait for something, or does so no more. */
void loop_hold(struct loop *loop);
void loop_let_go(struct loop *loop);

/* A handle of uv's has closed. */
void loop_handle_closed(struct loop *loop);

#endif
