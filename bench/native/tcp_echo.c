/* single-threaded level-triggered epoll echo: the physical limit. It answers the opening handshake, always with the answer to
 * the key of RFC 6455's example, which is what the load generator sends, and knows no more of WebSocket.
 *
 *   tcp_echo echo         sends back the bytes it reads
 *   tcp_echo publish      sends them to every connection
 *   tcp_echo handshake    ends a connection that sends anything
 *
 * Speaks the benchmark's control lines (bench/servers/control.ts): one JSON line with port and pid when it listens,
 * for every line of standard input one JSON line with the CPU seconds spent, a clock and the resident bytes,
 * and the end of standard input is the end of the program.
 *
 * build: gcc -O2 -o tcp_echo tcp_echo.c
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
typedef struct { int fd, armed, open; size_t off, len, cap; char *pend; } conn;
static conn *tab[65536];
static int ep, bcast, hang_up, nfd;
static char buf[256 * 1024];
static void closec(conn *c) { close(c->fd); tab[c->fd] = NULL; free(c->pend); free(c); }
static void arm(conn *c, uint32_t ev) { struct epoll_event e = {.events = ev, .data.ptr = c}; epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e); }
static int put(conn *c, const char *p, size_t n) {
  if (!c->len) {
    ssize_t w = send(c->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (w < 0) { if (errno != EAGAIN) return -1; w = 0; }
    if ((size_t)w == n) return 0;
    p += w; n -= w;
  }
  if (c->off + c->len + n > c->cap) {
    memmove(c->pend, c->pend + c->off, c->len); c->off = 0;
    if (c->len + n > c->cap) c->pend = realloc(c->pend, c->cap = (c->len + n) * 2);
  }
  memcpy(c->pend + c->off + c->len, p, n); c->len += n;
  if (!c->armed) { c->armed = 1; arm(c, bcast ? EPOLLIN | EPOLLOUT : EPOLLOUT); } /* echo: stop reading while blocked */
  return 0;
}
static const char ANSWER[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
static void usage(void) {
  struct rusage r; getrusage(RUSAGE_SELF, &r);
  struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t);
  long pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f) { if (fscanf(f, "%*d %ld", &pages) != 1) pages = 0; fclose(f); }
  printf("{\"cpu\":%.6f,\"time\":%.6f,\"rss\":%ld}\n", r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6,
         t.tv_sec + t.tv_nsec * 1e-9, pages * sysconf(_SC_PAGESIZE));
  fflush(stdout);
}
static void control(void) {
  char b[256];
  ssize_t n = read(0, b, sizeof b);
  if (n <= 0) exit(0);
  for (ssize_t i = 0; i < n; i++) if (b[i] == '\n') usage();
}
int main(int argc, char **argv) {
  int one = 1;
  bcast = argc > 1 && !strcmp(argv[1], "publish");
  hang_up = argc > 1 && !strcmp(argv[1], "handshake");
  signal(SIGPIPE, SIG_IGN);
  int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(ls, (void *)&a, sizeof a) || listen(ls, 4096)) { perror("listen"); return 1; }
  socklen_t al = sizeof a;
  getsockname(ls, (void *)&a, &al);
  printf("{\"port\":%d,\"pid\":%d,\"versions\":{}}\n", ntohs(a.sin_port), getpid());
  fflush(stdout);
  ep = epoll_create1(0);
  static int tag;
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = &tag}, ev[1024];
  epoll_ctl(ep, EPOLL_CTL_ADD, 0, &e); /* EPERM for a regular file or /dev/null: nobody asks then */
  e.data.ptr = NULL;
  epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e);
  for (;;) {
    int k = epoll_wait(ep, ev, 1024, -1);
    for (int i = 0; i < k; i++) {
      if (ev[i].data.ptr == &tag) { control(); continue; }
      conn *c = ev[i].data.ptr;
      if (!c) {
        int fd;
        while ((fd = accept4(ls, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
          setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
          c = calloc(1, sizeof *c); c->fd = fd; tab[fd] = c; if (fd >= nfd) nfd = fd + 1;
          struct epoll_event n = {.events = EPOLLIN, .data.ptr = c};
          epoll_ctl(ep, EPOLL_CTL_ADD, fd, &n);
        }
        continue;
      }
      if (ev[i].events & EPOLLOUT && c->len) {
        ssize_t w = send(c->fd, c->pend + c->off, c->len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (w < 0 && errno != EAGAIN) { closec(c); continue; }
        if (w > 0) { c->off += w; c->len -= w; }
        if (!c->len) { c->off = 0; c->armed = 0; arm(c, EPOLLIN); }
      }
      if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        ssize_t n = recv(c->fd, buf, sizeof buf, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN)) { closec(c); continue; }
        if (n > 0) {
          /* the request is one piece: the load generator sends it in one */
          if (!c->open) { c->open = 1; if (put(c, ANSWER, sizeof ANSWER - 1)) closec(c); }
          else if (hang_up) closec(c);
          else if (!bcast) { if (put(c, buf, n)) closec(c); }
          else for (int f = 0; f < nfd; f++) if (tab[f] && tab[f]->open) put(tab[f], buf, n);
        }
      }
    }
  }
}
