/* wsload - single-threaded epoll WebSocket load generator, loopback only.
 *
 *   wsload [opts] HOST PORT CONNS DEPTH PAYLOAD SECONDS     echo throughput/latency
 *   wsload --broadcast [opts] HOST PORT CONNS DEPTH PAYLOAD SECONDS
 *   wsload --connect [opts] HOST PORT CONCURRENCY SECONDS   handshake + clean close cycles
 *   wsload --idle N [opts] HOST PORT                        open N, print "ready", hold until stdin closes
 *   wsload --storm N [opts] HOST PORT                       start N connections at once: how many are open after a
 *                                                           second, and when all are
 *
 * The measured time is longer when nothing has come in it (10 s at most).
 *
 * opts: --text --binary(default) --utf8 (text with multi-byte chars) --deflate (offer permessage-deflate
 *       and send one pre-compressed, context-free message over and over) --raw (after the handshake nothing is
 *       parsed: the server sends back the bytes as they are) --verify (compare echoed payload) --warmup S (default 1) --path /p
 *       --block (sleep in epoll_wait; default is to busy-poll, so that the server never pays for waking the
 *       client; client_idle is the share of time spent in empty polls: >0 means the client has headroom)
 *       --rate R (messages a second over all connections, each sent when it is due, whether or not those before it are
 *       back; latency counts from when it was due, so that a stall of the server, or of this program, is not hidden)
 *       --pid P (also report CPU and RSS of process P) --abort (--connect: RST instead of close handshake)
 *       --marks (print the line "begin" when the warm-up is over, and after the report keep the connections open
 *       until standard input says something or ends, 2 s at most: so that the caller can ask the server for its
 *       own figures at both ends of the measured time)
 *
 * build: gcc -O2 -o wsload wsload.c -lz
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>
#include <zlib.h>

#define LATE 10 /* seconds: the measured time goes on for at most that long until something has come */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

enum { S_CONN, S_HS, S_OPEN, S_CLOSING, S_DEAD };
typedef struct { uint64_t ts; uint64_t n; } batch;
typedef struct conn {
  int fd;
  uint8_t st, armed, hlen, op, fin, in_msg, msg_op, msg_rsv, pong, ctl_len;
  uint8_t hdr[10];
  uint64_t rem;     /* payload bytes left of the current frame */
  uint64_t msg_len; /* payload bytes of the current message so far */
  uint64_t out_rem; /* bytes still to be written */
  uint64_t out_pos; /* offset inside the (periodic) outgoing frame */
  uint64_t msgs;
  batch *ring;
  uint32_t rh, rt;
  char *hs;
  int hs_n;
  uint8_t *ctl;
  int idx;
} conn;

static int ep, o_text = 0, o_utf8 = 0, o_deflate = 0, o_raw = 0, o_verify = 0, o_bcast = 0, o_connect = 0, o_abort = 0;
static int o_idle = 0, o_storm = 0, o_pid = 0, o_block = 0, o_marks = 0;
static double o_warm = 1.0, o_rate = 0;
static const char *o_path = "/";
static struct sockaddr_in addr;
static char req[1024];
static int req_n;
static uint8_t *payload;
static size_t plen;
static uint8_t *frames; /* `copies` identical masked frames */
static size_t F, SH;
static uint32_t ringmask;
static uint8_t *rbuf;
static size_t RBUF = 256 * 1024;
static int use_trunc;
static uint64_t m_msgs, m_err, m_rsv1, m_reads, m_writes, m_idle, m_polls, m_evs, m_rx;
static uint64_t hist[4096], rec_from, rec_max; /* rec_from: what was sent before is not recorded */
static conn *C;
static int NC, depth = 1;

static void die(const char *s) { perror(s); exit(2); }
static double mono(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec * 1e-9; }

/* --marks */
static void mark_begin(void) { if (o_marks) { puts("begin"); fflush(stdout); } }
static void mark_end(void) {
  if (!o_marks) return;
  fflush(stdout);
  struct pollfd p = {.fd = 0, .events = POLLIN};
  poll(&p, 1, 2000);
}

static inline void rec(uint64_t t, uint64_t n) {
  unsigned i;
  if (t < 128) i = t;
  else { unsigned sh = 63 - __builtin_clzll(t) - 6; i = sh * 64 + (unsigned)(t >> sh); }
  hist[i] += n;
  if (t > rec_max) rec_max = t;
}
static double pct(double p, double tick_us) {
  uint64_t tot = 0, acc = 0;
  for (int i = 0; i < 4096; i++) tot += hist[i];
  if (!tot) return 0;
  uint64_t want = (uint64_t)(p * tot);
  if (want >= tot) want = tot - 1;
  for (int i = 0; i < 4096; i++) {
    acc += hist[i];
    if (acc > want) {
      if (i < 128) return i * tick_us;
      unsigned sh = (i >> 6) - 1;
      return (((double)((i & 63) + 64) + 0.5) * (double)(1ull << sh)) * tick_us;
    }
  }
  return 0;
}

/* ---------- payload and frame ---------- */
static void build(int copies) {
  payload = malloc(plen + 16);
  uint64_t x = 88172645463325252ull;
  if (o_utf8) {
    static const char *w[] = {"Привет, ", "мир! ", "日本語", "テスト ", "naïve ", "façade ", "🚀🎉 ", "ok "};
    size_t n = 0;
    while (n < plen) {
      x ^= x << 13; x ^= x >> 7; x ^= x << 17;
      const char *s = w[x & 7]; size_t l = strlen(s);
      if (n + l > plen) { memset(payload + n, '.', plen - n); break; }
      memcpy(payload + n, s, l); n += l;
    }
  } else if (o_text) {
    size_t n = 0;
    while (n < plen) {
      char t[128];
      x ^= x << 13; x ^= x >> 7; x ^= x << 17;
      int l = snprintf(t, sizeof t, "{\"id\":%u,\"user\":\"u%04x\",\"price\":%u.%02u,\"ok\":true},", (unsigned)(x >> 40), (unsigned)(x & 0xffff), (unsigned)((x >> 20) & 1023), (unsigned)((x >> 10) % 100));
      if (n + l > plen) l = plen - n;
      memcpy(payload + n, t, l); n += l;
    }
  } else
    for (size_t i = 0; i < plen; i++) { x ^= x << 13; x ^= x >> 7; x ^= x << 17; payload[i] = x >> 24; }

  uint8_t *body = payload; size_t bl = plen;
  if (o_deflate) {
    z_stream z; memset(&z, 0, sizeof z);
    if (deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) die("deflateInit2");
    size_t cap = deflateBound(&z, plen) + 64;
    body = malloc(cap);
    z.next_in = payload; z.avail_in = plen; z.next_out = body; z.avail_out = cap;
    deflate(&z, Z_SYNC_FLUSH);
    bl = cap - z.avail_out;
    if (bl >= 4) bl -= 4;
    if (bl == 0) { body[0] = 0; bl = 1; }
    deflateEnd(&z);
  }
  uint8_t h[14]; int hl = 0;
  h[hl++] = 0x80 | (o_deflate ? 0x40 : 0) | (o_text || o_utf8 ? 1 : 2);
  if (bl < 126) h[hl++] = 0x80 | bl;
  else if (bl < 65536) { h[hl++] = 0x80 | 126; h[hl++] = bl >> 8; h[hl++] = bl; }
  else { h[hl++] = 0x80 | 127; for (int i = 7; i >= 0; i--) h[hl++] = (uint64_t)bl >> (8 * i); }
  uint8_t mk[4] = {0x37, 0xfa, 0x21, 0x3d};
  memcpy(h + hl, mk, 4); hl += 4;
  F = hl + bl;
  SH = F * copies;
  frames = malloc(SH);
  if (!frames) die("malloc");
  memcpy(frames, h, hl);
  for (size_t i = 0; i < bl; i++) frames[hl + i] = body[i] ^ mk[i & 3];
  for (int i = 1; i < copies; i++) memcpy(frames + F * i, frames, F);
}

/* ---------- connection plumbing ---------- */
static void arm(conn *c, int out) {
  if (c->armed == out) return;
  c->armed = out;
  struct epoll_event e = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c};
  epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}
static void kill_conn(conn *c, int err) {
  if (c->st == S_DEAD) return;
  close(c->fd);
  c->fd = -1;
  c->st = S_DEAD;
  if (err) m_err++;
}
static void flush_out(conn *c) {
  if (c->pong && c->out_pos == 0) {
    uint8_t p[2 + 4 + 125];
    p[0] = 0x8a; p[1] = 0x80 | c->ctl_len; memset(p + 2, 0, 4);
    memcpy(p + 6, c->ctl, c->ctl_len);
    ssize_t w = send(c->fd, p, 6 + c->ctl_len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (w < 0) { if (errno == EAGAIN) { arm(c, 1); return; } kill_conn(c, 1); return; }
    if (w != 6 + c->ctl_len) { kill_conn(c, 1); return; }
    c->pong = 0;
  }
  while (c->out_rem) {
    size_t n = SH - c->out_pos;
    if (n > c->out_rem) n = c->out_rem;
    ssize_t w = send(c->fd, frames + c->out_pos, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    m_writes++;
    if (w < 0) {
      if (errno == EAGAIN) { arm(c, 1); return; }
      kill_conn(c, 1); return;
    }
    c->out_rem -= w;
    c->out_pos = (c->out_pos + w) % F;
  }
  if (c->armed && !c->pong) arm(c, 0);
}
static inline void send_msgs(conn *c, uint64_t n, uint64_t ts) {
  batch *b = &c->ring[c->rt++ & ringmask];
  b->ts = ts; b->n = n;
  c->out_rem += n * F;
  flush_out(c);
}
static inline void got_msgs(conn *c, uint64_t n, uint64_t now) {
  while (n && c->rh != c->rt) {
    batch *b = &c->ring[c->rh & ringmask];
    uint64_t k = b->n < n ? b->n : n;
    if (b->ts >= rec_from) rec(now - b->ts, k);
    b->n -= k; n -= k;
    if (!b->n) c->rh++;
  }
}

/* end of a frame; returns 1 when a data message ended */
static inline int frame_end(conn *c) {
  c->hlen = 0;
  if (c->op >= 8) {
    if (c->op == 9) { c->pong = 1; }
    else if (c->op == 8) { if (c->st != S_CLOSING) m_err++; }
    return 0;
  }
  if (!c->fin) return 0;
  c->in_msg = 0;
  if (c->msg_rsv) m_rsv1++;
  else if (c->msg_len != plen) m_err++;
  if (c->msg_op != (o_text || o_utf8 ? 1 : 2)) m_err++;
  return 1;
}
/* returns number of complete data messages, -1 on protocol error */
static int64_t parse(conn *c, const uint8_t *p, size_t n) {
  int64_t done = 0;
  const uint8_t *e = p + n;
  while (p < e) {
    if (c->rem) {
      size_t k = (size_t)(e - p) < c->rem ? (size_t)(e - p) : c->rem;
      if (c->op >= 8) {
        if (!c->ctl) c->ctl = malloc(256);
        if (c->ctl_len + k <= 125) { memcpy(c->ctl + c->ctl_len, p, k); c->ctl_len += k; }
      } else {
        if (o_verify && !c->msg_rsv) {
          if (c->msg_len + k > plen || memcmp(p, payload + c->msg_len, k)) m_err++;
        }
        c->msg_len += k;
      }
      p += k;
      c->rem -= k;
      if (!c->rem) done += frame_end(c);
      continue;
    }
    /* header */
    const uint8_t *h;
    size_t have = e - p;
    if (c->hlen == 0 && have >= 10) { h = p; have = 10; }
    else {
      size_t k = 10u - c->hlen < have ? 10u - c->hlen : have; /* top up, give back what is not header below */
      memcpy(c->hdr + c->hlen, p, k);
      h = c->hdr; have = c->hlen + k;
    }
    if (have < 2) { c->hlen = have; return done; }
    unsigned l7 = h[1] & 127, need = l7 < 126 ? 2 : l7 == 126 ? 4 : 10;
    if (h[1] & 128) return -1;
    if (have < need) { c->hlen = have; return done; }
    p += need - (h == p ? 0 : c->hlen);
    c->hlen = 0;
    uint64_t L = l7;
    if (need == 4) L = h[2] << 8 | h[3];
    else if (need == 10) { L = 0; for (int i = 2; i < 10; i++) L = L << 8 | h[i]; }
    c->fin = h[0] >> 7;
    c->op = h[0] & 15;
    if (c->op >= 8) c->ctl_len = 0;
    else if (c->op) { if (c->in_msg) return -1; c->in_msg = 1; c->msg_op = c->op; c->msg_rsv = h[0] >> 6 & 1; c->msg_len = 0; }
    else if (!c->in_msg) return -1;
    c->rem = L;
    if (!L) { if (c->op == 9 && !c->ctl) c->ctl = malloc(256); done += frame_end(c); }
  }
  return done;
}

/* handshake bytes; returns 1 when 101 complete (leftover via *lp,*ln), 0 need more, -1 bad */
static int hs_feed(conn *c, const uint8_t *p, size_t n, const uint8_t **lp, size_t *ln) {
  if (!c->hs) c->hs = malloc(4096);
  size_t k = 4095u - c->hs_n < n ? 4095u - c->hs_n : n;
  int old = c->hs_n;
  memcpy(c->hs + c->hs_n, p, k);
  c->hs_n += k;
  c->hs[c->hs_n] = 0;
  char *end = strstr(c->hs, "\r\n\r\n");
  if (!end) return c->hs_n >= 4095 ? -1 : 0;
  size_t used = (end + 4 - c->hs) - old;
  *lp = p + used; *ln = n - used;
  end[2] = 0;
  int ok = !strncmp(c->hs, "HTTP/1.1 101", 12) && strstr(c->hs, ACCEPT);
  if (o_deflate && !strcasestr(c->hs, "permessage-deflate")) { fprintf(stderr, "permessage-deflate not negotiated\n"); ok = 0; }
  if (!o_deflate && strcasestr(c->hs, "sec-websocket-extensions")) ok = 0;
  static int shown;
  if (!ok && !shown++) fprintf(stderr, "bad handshake reply: %.300s\n", c->hs);
  free(c->hs); c->hs = NULL; c->hs_n = 0;
  return ok ? 1 : -1;
}

static uint32_t src_rot;
static int start(conn *c, int rotate) {
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) die("socket");
  int one = 1;
  if (!o_connect) setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (rotate) {
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    struct sockaddr_in s = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002u + (src_rot++ % 200))};
    bind(c->fd, (void *)&s, sizeof s);
  }
  c->st = S_CONN; c->armed = 1; c->hlen = 0; c->rem = 0; c->in_msg = 0; c->hs_n = 0;
  int r = connect(c->fd, (void *)&addr, sizeof addr);
  if (r < 0 && errno != EINPROGRESS) { close(c->fd); c->fd = -1; c->st = S_DEAD; return -1; }
  struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
  /* on loopback the TCP handshake is normally over when connect() returns, EINPROGRESS or not */
  if (send(c->fd, req, req_n, MSG_NOSIGNAL | MSG_DONTWAIT) == req_n) { c->st = S_HS; c->armed = 0; e.events = EPOLLIN; }
  epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
  return 0;
}
/* drive connect/handshake; returns 1 when open */
static int drive_open(conn *c, uint32_t ev, const uint8_t **lp, size_t *ln) {
  *ln = 0;
  if (c->st == S_CONN) {
    if (ev & (EPOLLERR | EPOLLHUP)) { kill_conn(c, 1); return 0; }
    if (!(ev & EPOLLOUT)) return 0;
    if (send(c->fd, req, req_n, MSG_NOSIGNAL) != req_n) { kill_conn(c, 1); return 0; }
    c->st = S_HS;
    arm(c, 0);
    return 0;
  }
  ssize_t n = recv(c->fd, rbuf, RBUF, MSG_DONTWAIT);
  if (n <= 0) { if (n < 0 && errno == EAGAIN) return 0; kill_conn(c, 1); return 0; }
  int r = hs_feed(c, rbuf, n, lp, ln);
  if (r < 0) { kill_conn(c, 1); return 0; }
  if (r == 1) { c->st = S_OPEN; return 1; }
  return 0;
}
static void open_all(int n) {
  int started = 0, open = 0, dead = 0;
  struct epoll_event ev[256];
  double t0 = mono();
  while (open + dead < n) {
    while (started < n && started - open - dead < 100) { C[started].idx = started; if (start(&C[started], n > 25000) < 0) { dead++; } started++; }
    int k = epoll_wait(ep, ev, 256, 1000);
    for (int i = 0; i < k; i++) {
      conn *c = ev[i].data.ptr;
      const uint8_t *lp; size_t ln;
      if (c->st == S_OPEN) { /* traffic (ping) before everything is open: left for later unless it is a ping */
        ssize_t r = recv(c->fd, rbuf, RBUF, MSG_DONTWAIT);
        if (r == 0) kill_conn(c, 1);
        else if (r > 0) { if (parse(c, rbuf, r) < 0) kill_conn(c, 1); else if (c->pong) flush_out(c); }
        continue;
      }
      if (c->st == S_DEAD) continue;
      int o = drive_open(c, ev[i].events, &lp, &ln);
      if (o) { open++; if (ln && parse(c, lp, ln) < 0) { kill_conn(c, 1); } if (c->st == S_OPEN && c->pong) flush_out(c); }
      else if (c->st == S_DEAD) dead++;
    }
    if (mono() - t0 > 60) { fprintf(stderr, "timeout opening: %d of %d\n", open, n); exit(3); }
  }
  if (dead) { fprintf(stderr, "%d of %d connections failed to open\n", dead, n); if (dead == n) exit(3); }
}

/* ---------- process figures of the server ---------- */
static double pid_cpu(int pid) {
  char p[64], b[1024];
  snprintf(p, sizeof p, "/proc/%d/stat", pid);
  FILE *f = fopen(p, "r");
  if (!f) return 0;
  size_t n = fread(b, 1, sizeof b - 1, f); fclose(f); b[n] = 0;
  char *s = strrchr(b, ')');
  unsigned long u = 0, k = 0;
  if (s) sscanf(s + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &u, &k);
  return (u + k) / (double)sysconf(_SC_CLK_TCK);
}
static long pid_rss(int pid) {
  char p[64], l[256]; long r = 0;
  snprintf(p, sizeof p, "/proc/%d/status", pid);
  FILE *f = fopen(p, "r");
  if (!f) return 0;
  while (fgets(l, sizeof l, f)) if (sscanf(l, "VmRSS: %ld", &r) == 1) break;
  fclose(f);
  return r;
}
static double self_cpu(void) {
  struct rusage r; getrusage(RUSAGE_SELF, &r);
  return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6;
}

/* ms spent runnable but waiting for a CPU (contention), main thread of pid; and hypervisor steal ticks */
static double run_wait(int pid) {
  char p[64]; unsigned long long a = 0, b = 0;
  snprintf(p, sizeof p, pid ? "/proc/%d/schedstat" : "/proc/self/schedstat", pid);
  FILE *f = fopen(p, "r");
  if (!f) return 0;
  if (fscanf(f, "%llu %llu", &a, &b) != 2) b = 0;
  fclose(f);
  return b / 1e9;
}
static double steal(void) {
  unsigned long long v[8] = {0};
  FILE *f = fopen("/proc/stat", "r");
  if (!f) return 0;
  if (fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6, v + 7) != 8) v[7] = 0;
  fclose(f);
  return v[7] / (double)sysconf(_SC_CLK_TCK);
}
/* ---------- modes ---------- */
/* read whatever is there; returns completed messages */
static uint64_t drain(conn *c, uint64_t *now) {
  uint64_t done = 0;
  for (;;) {
    if (use_trunc && c->rem > 2048 && c->op < 8) {
      ssize_t n = recv(c->fd, rbuf, c->rem, MSG_DONTWAIT | MSG_TRUNC);
      m_reads++;
      if (n <= 0) { if (n == 0 || errno != EAGAIN) kill_conn(c, 1); break; }
      m_rx += n;
      int full = (uint64_t)n == c->rem;
      c->rem -= n; c->msg_len += n;
      if (!c->rem) done += frame_end(c);
      if (!full) break;
    } else {
      ssize_t n = recv(c->fd, rbuf, RBUF, MSG_DONTWAIT);
      m_reads++;
      if (n <= 0) { if (n == 0 || errno != EAGAIN) kill_conn(c, 1); break; }
      m_rx += n;
      if (o_raw) { c->msg_len += n; done += c->msg_len / F; c->msg_len %= F; }
      else {
        int64_t k = parse(c, rbuf, n);
        if (k < 0) { kill_conn(c, 1); break; }
        done += k;
      }
      if ((size_t)n < RBUF) break;
    }
  }
  *now = __rdtsc();
  return done;
}

static void run_load(double secs) {
  struct epoll_event ev[1024];
  open_all(NC);
  int alive = 0;
  for (int i = 0; i < NC; i++) if (C[i].st == S_OPEN) alive++;
  if (o_bcast) usleep(300000); /* let the server register every connection */
  uint64_t inflight_need = 0, copies = 0, bts[64]; unsigned bh = 0, bt = 0;
  uint64_t t = __rdtsc();
  double m0 = mono();
  if (o_bcast) {
    if (depth > 64) depth = 64;
    for (int d = 0; d < depth; d++) { bts[bt++ & 63] = t; C[0].out_rem += F; }
    flush_out(&C[0]);
    inflight_need = alive;
  } else
    for (int i = 0; i < NC; i++) if (C[i].st == S_OPEN) send_msgs(&C[i], depth, __rdtsc());

  /* tsc rate */
  double tsc0 = t, rate = 0;
  uint64_t tprev = t;
  int phase = 0;
  double pstart = 0, cpu0 = 0, scpu0 = 0, pend = 0, now_s, cw0 = 0, sw0 = 0, st0 = 0;
  uint64_t tscA = 0;
  uint64_t limit_tsc = 0;
  double lastp = mono(); uint64_t lastm = 0; int stalled = 0;
  for (;;) {
    int k = epoll_wait(ep, ev, 1024, o_block ? 50 : 0);
    if (k <= 0) { uint64_t x = __rdtsc(); m_idle += x - tprev; tprev = x; }
    else { m_polls++; m_evs += k; }
    for (int i = 0; i < k; i++) {
      conn *c = ev[i].data.ptr;
      if (c->st == S_DEAD) continue;
      if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        uint64_t now, n = drain(c, &now);
        if (n) {
          m_msgs += n;
          if (o_bcast) copies += n;
          else {
            got_msgs(c, n, now);
            if (c->st == S_OPEN) send_msgs(c, n, now);
          }
        }
        if (c->st == S_OPEN && c->pong) flush_out(c);
      }
      if (c->st == S_OPEN && (ev[i].events & EPOLLOUT)) flush_out(c);
      if (o_bcast && copies >= inflight_need) {
        uint64_t now = __rdtsc();
        while (copies >= inflight_need) {
          rec(now - bts[bh++ & 63], 1);
          copies -= inflight_need;
          bts[bt++ & 63] = now;
          C[0].out_rem += F;
        }
        if (C[0].st == S_OPEN) flush_out(&C[0]);
      }
    }
    uint64_t ts = __rdtsc();
    tprev = ts;
    if (ts < limit_tsc) continue;
    now_s = mono();
    if (now_s - m0 > 0.02) rate = (ts - tsc0) / (now_s - m0);
    if (rate > 0) limit_tsc = ts + (uint64_t)(rate * 0.002);
    if (now_s - lastp > 5) { if (m_msgs == lastm) { stalled = 1; break; } lastm = m_msgs; lastp = now_s; }
    if (phase == 0 && now_s - m0 >= o_warm) {
      phase = 1; pstart = now_s; tscA = ts;
      m_msgs = m_rsv1 = m_reads = m_writes = m_idle = m_polls = m_evs = m_rx = 0; lastm = ~0ull;
      memset(hist, 0, sizeof hist);
      cpu0 = self_cpu(); scpu0 = o_pid ? pid_cpu(o_pid) : 0;
      cw0 = run_wait(0); sw0 = o_pid ? run_wait(o_pid) : 0; st0 = steal();
      mark_begin();
    } else if (phase == 1 && now_s - pstart >= secs && (m_msgs || now_s - pstart >= secs + LATE)) { pend = now_s; break; }
  }
  if (!pend) pend = mono();
  if (!pstart) pstart = m0;
  double el = pend - pstart, cpu = self_cpu() - cpu0;
  double tick_us = el * 1e6 / (double)(__rdtsc() - (tscA ? tscA : (uint64_t)tsc0));
  int dead = 0;
  for (int i = 0; i < NC; i++) if (C[i].st != S_OPEN) dead++;
  printf("%s conns=%d depth=%d payload=%zu type=%s%s secs=%.2f msgs/s=%.0f MB/s=%.1f p50_us=%.1f p99_us=%.1f p999_us=%.1f msgs/read=%.1f rsv1=%.0f%% errors=%lu dead=%d client_cpu=%.0f%% client_idle=%.0f%% ev/poll=%.1f",
         o_bcast ? "broadcast" : o_raw ? "rawecho" : "echo", NC, depth, plen, o_utf8 ? "utf8" : o_text ? "text" : "binary", o_deflate ? "+deflate" : "", el, m_msgs / el, m_msgs / el * plen / 1e6,
         pct(.5, tick_us), pct(.99, tick_us), pct(.999, tick_us), m_reads ? (double)m_msgs / m_reads : 0, m_msgs ? 100.0 * m_rsv1 / m_msgs : 0, (unsigned long)m_err, dead, 100 * cpu / el, m_idle * tick_us / el / 1e4, m_polls ? (double)m_evs / m_polls : 0);
  printf(" rx_bytes/msg=%.1f", m_msgs ? (double)m_rx / m_msgs : 0);
  if (o_bcast) printf(" broadcasts/s=%.1f", alive ? m_msgs / el / alive : 0);
  if (o_pid) printf(" server_cpu=%.0f%% server_rss_kB=%ld server_wait=%.1f%%", 100 * (pid_cpu(o_pid) - scpu0) / el, pid_rss(o_pid), 100 * (run_wait(o_pid) - sw0) / el);
  printf(" client_wait=%.1f%% steal=%.1f%%%s\n", 100 * (run_wait(0) - cw0) / el, 100 * (steal() - st0) / el, stalled ? " STALLED" : !m_msgs ? " NOTHING-RECEIVED" : "");
  mark_end();
  exit(stalled || m_err || !m_msgs ? 1 : 0);
}

/* --rate */
static void run_rate(double secs, double rate) {
  struct epoll_event ev[1024];
  double m0 = mono(), measure = 0.05;
  uint64_t t0 = __rdtsc();
  while (mono() - m0 < measure) ;
  double ticks = (__rdtsc() - t0) / (mono() - m0), step = ticks / rate, cpu0 = 0, cw0 = 0;
  uint64_t start = __rdtsc(), from = start + o_warm * ticks, to = from + secs * ticks, prev = start, sent = 0, back = 0, first = 0, last = 0;
  uint64_t total = (uint64_t)((o_warm + secs) * rate);
  if (total < 1) total = 1;
  int begun = 0, dead = 0;
  for (;;) {
    uint64_t now = __rdtsc();
    if (!begun && now >= from) {
      begun = 1; rec_from = from; m_idle = 0; first = back;
      memset(hist, 0, sizeof hist); rec_max = 0;
      cpu0 = self_cpu(); cw0 = run_wait(0);
      mark_begin();
      now = prev = __rdtsc();
    }
    int busy = 0;
    while (sent < total) {
      uint64_t due = start + (uint64_t)(sent * step);
      if (due > now) break;
      conn *c = &C[sent++ % NC];
      if (c->st == S_OPEN) send_msgs(c, 1, due);
      busy = 1;
    }
    if (begun && now >= to) {
      if (!last) last = back;
      if (back >= sent || now - to > LATE * ticks) break; /* what is under way counts too, unless it does not come */
    }
    int k = epoll_wait(ep, ev, 1024, 0);
    for (int i = 0; i < k; i++) {
      conn *c = ev[i].data.ptr;
      if (c->st == S_DEAD) continue;
      if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        uint64_t at, n = drain(c, &at);
        if (n) { back += n; got_msgs(c, n, at); }
        if (c->st == S_OPEN && c->pong) flush_out(c);
      }
      if (c->st == S_OPEN && (ev[i].events & EPOLLOUT)) flush_out(c);
    }
    uint64_t end = __rdtsc();
    if (k <= 0 && !busy && end < to) m_idle += end - prev;
    prev = end;
  }
  uint64_t end = __rdtsc(), missing = 0;
  for (int i = 0; i < NC; i++) {
    conn *c = &C[i];
    if (c->st != S_OPEN) dead++;
    for (; c->rh != c->rt; c->rh++) { batch *b = &c->ring[c->rh & ringmask]; missing += b->n; if (b->ts >= rec_from) rec(end - b->ts, b->n); }
  }
  double us = 1e6 / ticks, el = (end - from) / ticks;
  printf("rate conns=%d rate=%.0f payload=%zu secs=%.2f msgs/s=%.0f p50_us=%.1f p99_us=%.1f p999_us=%.1f max_us=%.1f missing=%lu errors=%lu dead=%d client_cpu=%.0f%% client_idle=%.0f%% client_wait=%.1f%%%s\n",
         NC, rate, plen, secs, (last - first) / secs, pct(.5, us), pct(.99, us), pct(.999, us), rec_max * us, (unsigned long)missing, (unsigned long)m_err, dead,
         100 * (self_cpu() - cpu0) / el, 100 * m_idle / ticks / secs, 100 * (run_wait(0) - cw0) / el, back == first ? " NOTHING-RECEIVED" : "");
  mark_end();
  exit(m_err || back == first ? 1 : 0);
}

/* --storm */
static void run_storm(int n) {
  struct epoll_event ev[1024];
  int open = 0, dead = 0, open_1s = -1, started = 0;
  mark_begin();
  double t0 = mono(), now = t0, idle = 0, last = t0, cpu0 = self_cpu();
  while (open + dead < n) {
    /* as fast as this program can, with a look at what has come in after every few */
    for (int i = 0; i < 16 && started < n; i++) { C[started].idx = started; if (start(&C[started], 1) < 0) dead++; started++; }
    int k = epoll_wait(ep, ev, 1024, o_block && started == n ? 50 : 0);
    for (int i = 0; i < k; i++) {
      conn *c = ev[i].data.ptr;
      const uint8_t *lp; size_t ln;
      if (c->st == S_OPEN) { uint64_t at; drain(c, &at); if (c->st == S_OPEN && c->pong) flush_out(c); continue; }
      if (c->st == S_DEAD) continue;
      if (drive_open(c, ev[i].events, &lp, &ln)) { open++; last = mono(); }
      else if (c->st == S_DEAD) dead++;
    }
    double t = mono();
    if (k <= 0 && started == n) idle += t - now;
    now = t;
    if (open_1s < 0 && now - t0 >= 1) open_1s = open;
    if (now - t0 > 60) break;
  }
  double el = now - t0;
  printf("storm conns=%d open=%d open_1s=%d all_s=%.4f errors=%lu dead=%d client_cpu=%.0f%% client_idle=%.0f%%\n",
         n, open, open_1s < 0 ? open : open_1s, last - t0, (unsigned long)m_err, n - open, 100 * (self_cpu() - cpu0) / el, 100 * idle / el);
  mark_end();
  exit(open < n);
}

static void run_connect(int conc, double secs) {
  struct epoll_event ev[256];
  uint64_t hs = 0, cyc = 0;
  double t0 = mono(), tstart = 0, cpu0 = 0, scpu0 = 0, cw0 = 0;
  uint64_t ts0[conc];
  static const uint8_t closef[8] = {0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8};
  for (int i = 0; i < conc; i++) { C[i].idx = i; ts0[i] = __rdtsc(); if (start(&C[i], 1) < 0) { m_err++; } }
  uint64_t tscA = __rdtsc(), tprev = tscA;
  for (;;) {
    int k = epoll_wait(ep, ev, 256, o_block ? 50 : 0);
    if (k <= 0) { uint64_t x = __rdtsc(); m_idle += x - tprev; tprev = x; }
    for (int i = 0; i < k; i++) {
      conn *c = ev[i].data.ptr;
      int again = 0;
      if (c->st == S_CONN || c->st == S_HS) {
        const uint8_t *lp; size_t ln;
        if (drive_open(c, ev[i].events, &lp, &ln)) {
          hs++;
          rec(__rdtsc() - ts0[c->idx], 1);
          if (o_abort) {
            struct linger l = {1, 0}; setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
            close(c->fd); cyc++; again = 1;
          } else if (send(c->fd, closef, 8, MSG_NOSIGNAL) != 8) { kill_conn(c, 1); again = 1; }
          else c->st = S_CLOSING;
        } else if (c->st == S_DEAD) again = 1;
      } else if (c->st == S_CLOSING) {
        ssize_t n = recv(c->fd, rbuf, RBUF, MSG_DONTWAIT);
        if (n == 0) { close(c->fd); cyc++; again = 1; }
        else if (n < 0 && errno != EAGAIN) { close(c->fd); cyc++; again = 1; if (errno != ECONNRESET) m_err++; }
        else if (n > 0 && (rbuf[0] & 15) != 8 && (rbuf[0] & 15) != 9) m_err++;
      }
      if (again) { ts0[c->idx] = __rdtsc(); if (start(c, 1) < 0) { m_err++; } }
    }
    tprev = __rdtsc();
    double n = mono();
    if (!tstart && n - t0 >= o_warm) { tstart = n; hs = cyc = 0; memset(hist, 0, sizeof hist); cpu0 = self_cpu(); scpu0 = o_pid ? pid_cpu(o_pid) : 0; tscA = __rdtsc(); m_idle = 0; cw0 = run_wait(0); mark_begin(); }
    if (tstart && n - tstart >= secs && (cyc || n - tstart >= secs + LATE)) {
      double el = n - tstart, tick_us = el * 1e6 / (__rdtsc() - tscA);
      printf("connect conc=%d secs=%.2f handshakes/s=%.0f closed/s=%.0f p50_us=%.1f p99_us=%.1f p999_us=%.1f errors=%lu client_cpu=%.0f%% client_idle=%.0f%% client_wait=%.1f%%", conc, el, hs / el, cyc / el, pct(.5, tick_us), pct(.99, tick_us), pct(.999, tick_us), (unsigned long)m_err, 100 * (self_cpu() - cpu0) / el, m_idle * tick_us / el / 1e4, 100 * (run_wait(0) - cw0) / el);
      if (o_pid) printf(" server_cpu=%.0f%% server_rss_kB=%ld", 100 * (pid_cpu(o_pid) - scpu0) / el, pid_rss(o_pid));
      puts("");
      mark_end();
      exit(m_err ? 1 : 0);
    }
  }
}

static void run_idle(int n) {
  long r0 = o_pid ? pid_rss(o_pid) : 0;
  open_all(n);
  int a = 0;
  for (int i = 0; i < n; i++) a += C[i].st == S_OPEN;
  printf("ready %d", a);
  if (o_pid) { usleep(1500000); long r1 = pid_rss(o_pid); printf(" rss0_kB=%ld rss_kB=%ld per_conn_kB=%.2f", r0, r1, (r1 - r0) / (double)a); }
  puts("");
  fflush(stdout);
  static int tag;
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = &tag};
  int have_stdin = epoll_ctl(ep, EPOLL_CTL_ADD, 0, &e) == 0; /* EPERM for regular files and /dev/null: treat as closed */
  if (!have_stdin) exit(0);
  struct epoll_event ev[256];
  uint64_t pings = 0;
  for (;;) {
    int k = epoll_wait(ep, ev, 256, -1);
    for (int i = 0; i < k; i++) {
      if (ev[i].data.ptr == &tag) {
        char b[256];
        if (read(0, b, sizeof b) <= 0) {
          int left = 0;
          for (int j = 0; j < n; j++) left += C[j].st == S_OPEN;
          printf("done open=%d pings=%lu errors=%lu\n", left, (unsigned long)pings, (unsigned long)m_err);
          exit(0);
        }
        continue;
      }
      conn *c = ev[i].data.ptr;
      if (c->st == S_DEAD) continue;
      uint64_t now;
      drain(c, &now);
      if (c->st == S_OPEN && c->pong) { pings++; flush_out(c); }
    }
  }
}

int main(int argc, char **argv) {
  const char *pos[8]; int np = 0;
  signal(SIGPIPE, SIG_IGN);
  for (int i = 1; i < argc; i++) {
    char *a = argv[i];
    if (!strcmp(a, "--text")) o_text = 1;
    else if (!strcmp(a, "--binary")) o_text = 0;
    else if (!strcmp(a, "--utf8")) o_utf8 = 1;
    else if (!strcmp(a, "--deflate")) o_deflate = 1;
    else if (!strcmp(a, "--raw")) o_raw = 1;
    else if (!strcmp(a, "--verify")) o_verify = 1;
    else if (!strcmp(a, "--broadcast")) o_bcast = 1;
    else if (!strcmp(a, "--connect")) o_connect = 1;
    else if (!strcmp(a, "--abort")) o_abort = 1;
    else if (!strcmp(a, "--block")) o_block = 1;
    else if (!strcmp(a, "--marks")) o_marks = 1;
    else if (!strcmp(a, "--idle") && i + 1 < argc) o_idle = atoi(argv[++i]);
    else if (!strcmp(a, "--warmup") && i + 1 < argc) o_warm = atof(argv[++i]);
    else if (!strcmp(a, "--storm") && i + 1 < argc) o_storm = atoi(argv[++i]);
    else if (!strcmp(a, "--rate") && i + 1 < argc) o_rate = atof(argv[++i]);
    else if (!strcmp(a, "--pid") && i + 1 < argc) o_pid = atoi(argv[++i]);
    else if (!strcmp(a, "--path") && i + 1 < argc) o_path = argv[++i];
    else if (a[0] == '-' && a[1] == '-') { fprintf(stderr, "unknown option %s\n", a); return 2; }
    else if (np < 8) pos[np++] = a;
  }
  int need = o_idle || o_storm ? 2 : o_connect ? 4 : 6;
  if (np != need) {
    fprintf(stderr, "usage: wsload [--broadcast] HOST PORT CONNS DEPTH PAYLOAD SECONDS [--text|--binary|--utf8] [--deflate] [--raw] [--verify] [--warmup S] [--pid P]\n"
                    "       wsload --connect HOST PORT CONCURRENCY SECONDS [--abort]\n       wsload --idle N HOST PORT [--pid P]\n       wsload --storm N HOST PORT\n");
    return 2;
  }
  addr.sin_family = AF_INET;
  addr.sin_port = htons(atoi(pos[1]));
  if (inet_pton(AF_INET, strcmp(pos[0], "localhost") ? pos[0] : "127.0.0.1", &addr.sin_addr) != 1 || (ntohl(addr.sin_addr.s_addr) >> 24) != 127) {
    fprintf(stderr, "loopback IPv4 addresses only\n"); return 2;
  }
  req_n = snprintf(req, sizeof req, "GET %s HTTP/1.1\r\nHost: %s:%s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY "\r\n%s\r\n",
                   o_path, pos[0], pos[1], o_deflate ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "");
  ep = epoll_create1(EPOLL_CLOEXEC);
  if (o_idle || o_storm) { NC = o_idle ? o_idle : o_storm; plen = 16; }
  else if (o_connect) { NC = atoi(pos[2]); plen = 16; }
  else { NC = atoi(pos[2]); depth = atoi(pos[3]); plen = strtoull(pos[4], 0, 10); }
  if (NC < 1 || depth < 1) { fprintf(stderr, "bad numbers\n"); return 2; }
  C = calloc(NC, sizeof *C);
  build(depth);
  if (plen >= 16384 && !o_verify && !o_raw) { use_trunc = 1; RBUF = 2048; }
  else if (o_raw && plen >= 16384) RBUF = 1 << 20;
  rbuf = malloc(RBUF + 64);
  uint32_t rs = 1, most = o_rate > 0 ? (o_warm + atof(pos[5])) * o_rate / NC + 1 : depth; /* messages under way on a connection */
  while (rs < most + 1) rs <<= 1;
  ringmask = rs - 1;
  if (!o_idle && !o_storm && !o_connect && !o_bcast) for (int i = 0; i < NC; i++) C[i].ring = malloc(rs * sizeof(batch));
  if (o_idle) run_idle(NC);
  else if (o_connect) run_connect(NC, atof(pos[3]));
  else if (o_storm) run_storm(NC);
  else if (o_rate > 0) { open_all(NC); run_rate(atof(pos[5]), o_rate); }
  else run_load(atof(pos[5]));
  return 0;
}
