/*
 * A long way between two network namespaces: a tun device in each, and whatever goes into one comes out of the other a while later, in order.
 *   delay NETNS DEVICE NETNS DEVICE MILLISECONDS      one way; says "ready" when both devices are up, ends with its standard input
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { slots = 8192, most = 1600 };

/* A ring: each packet is due the same while after it came, so the first is always the next. */
struct way {
  int from, to;
  unsigned first, count;
  struct { long long due; int bytes; unsigned char packet[most]; } *ring;
};

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int device(const char *netns, const char *name) {
  int ns = open(netns, O_RDONLY | O_CLOEXEC);
  if (ns < 0 || setns(ns, CLONE_NEWNET) < 0) die(netns);
  close(ns);
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0) die(name);
  int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (any < 0 || ioctl(any, SIOCSIFFLAGS, &request) < 0) die(name);
  close(any);
  return fd;
}

/* All that is there; where the ring is full it stays with the kernel, which drops what is too much. */
static void take(struct way *way, long long delay) {
  while (way->count < slots) {
    unsigned at = (way->first + way->count) % slots;
    ssize_t got = read(way->from, way->ring[at].packet, most);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    way->ring[at].due = now() + delay;
    way->ring[at].bytes = (int)got;
    way->count++;
  }
}

static void give(struct way *way) {
  for (; way->count > 0 && way->ring[way->first].due <= now(); way->count--, way->first = (way->first + 1) % slots)
    if (write(way->to, way->ring[way->first].packet, way->ring[way->first].bytes) < 0 && errno == EAGAIN) return;
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  long long delay = (long long)(atof(argv[5]) * 1e6);
  struct way ways[2] = {0};
  ways[0].from = ways[1].to = device(argv[1], argv[2]);
  ways[1].from = ways[0].to = device(argv[3], argv[4]);
  for (int i = 0; i < 2; i++)
    if ((ways[i].ring = calloc(slots, sizeof *ways[i].ring)) == NULL) die("memory");
  puts("ready");
  fflush(stdout);
  for (;;) {
    long long next = -1;
    for (int i = 0; i < 2; i++)
      if (ways[i].count > 0 && (next < 0 || ways[i].ring[ways[i].first].due < next)) next = ways[i].ring[ways[i].first].due;
    long long left = next < 0 ? 0 : next - now();
    if (left < 0) left = 0;
    struct timespec wait = {left / 1000000000LL, left % 1000000000LL};
    struct pollfd ends[3] = {{0, POLLIN, 0}, {ways[0].from, POLLIN, 0}, {ways[1].from, POLLIN, 0}};
    if (ppoll(ends, 3, next < 0 ? NULL : &wait, NULL) < 0 && errno != EINTR) die("poll");
    if (ends[0].revents != 0) return 0; /* who started it has ended */
    for (int i = 0; i < 2; i++) take(&ways[i], delay), give(&ways[i]);
  }
}
