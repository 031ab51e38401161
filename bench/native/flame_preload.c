/* The calls by which Node and the addon wait, read and write, without the C library's own: these use the register by which
 * perf finds who has called, so that a stack would end there. Only a process that is profiled has this (LD_PRELOAD). */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static long call(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  if (result >= 0 || result < -4095) return result;
  errno = (int)-result;
  return -1;
}

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
  return call(SYS_sendto, fd, (long)bytes, (long)length, flags, 0, 0);
}

ssize_t recv(int fd, void *bytes, size_t length, int flags) {
  return call(SYS_recvfrom, fd, (long)bytes, (long)length, flags, 0, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  return call(SYS_sendmsg, fd, (long)message, flags, 0, 0, 0);
}

ssize_t read(int fd, void *bytes, size_t length) {
  return call(SYS_read, fd, (long)bytes, (long)length, 0, 0, 0);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  return call(SYS_write, fd, (long)bytes, (long)length, 0, 0, 0);
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
  return call(SYS_writev, fd, (long)pieces, count, 0, 0, 0);
}

int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict length, int flags) {
  return (int)call(SYS_accept4, fd, (long)address, (long)length, flags, 0, 0);
}

int close(int fd) {
  return (int)call(SYS_close, fd, 0, 0, 0, 0, 0);
}

int epoll_wait(int fd, struct epoll_event *events, int most, int milliseconds) {
  return (int)call(SYS_epoll_wait, fd, (long)events, most, milliseconds, 0, 0);
}

int epoll_pwait(int fd, struct epoll_event *events, int most, int milliseconds, const sigset_t *signals) {
  return (int)call(SYS_epoll_pwait, fd, (long)events, most, milliseconds, (long)signals, _NSIG / 8);
}
