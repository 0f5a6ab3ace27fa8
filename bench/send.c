/*
 * Sends UDP packets of 64 bytes from one address as fast as it can: one flow, or a new one (source port) with each packet.
 *   send SOURCE DESTINATION one|new SECONDS|PACKETS      prints packets and nanoseconds
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { batch = 64, bytes = 64 };

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
  if (fd < 0) return perror("socket"), 1;
  int fresh = strcmp(argv[3], "new") == 0;
  long long most = fresh ? atoll(argv[4]) : -1, ends = fresh ? 0 : (long long)(atof(argv[4]) * 1e9);
  static unsigned char packets[batch][bytes];
  struct mmsghdr messages[batch] = {0};
  struct iovec parts[batch];
  struct sockaddr_in to = {.sin_family = AF_INET};
  inet_pton(AF_INET, argv[2], &to.sin_addr);
  for (int i = 0; i < batch; i++) {
    struct iphdr *ip = (struct iphdr *)packets[i];
    struct udphdr *udp = (struct udphdr *)(packets[i] + 20);
    ip->version = 4, ip->ihl = 5, ip->ttl = 64, ip->protocol = IPPROTO_UDP, ip->tot_len = htons(bytes);
    inet_pton(AF_INET, argv[1], &ip->saddr);
    ip->daddr = to.sin_addr.s_addr;
    udp->source = htons(1024), udp->dest = htons(9), udp->len = htons(bytes - 20);
    parts[i] = (struct iovec){packets[i], bytes};
    messages[i].msg_hdr = (struct msghdr){.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &parts[i], .msg_iovlen = 1};
  }
  long long sent = 0, began = now();
  unsigned port = 1024;
  while (fresh ? sent < most : now() - began < ends) {
    if (fresh)
      for (int i = 0; i < batch; i++) {
        ((struct udphdr *)(packets[i] + 20))->source = htons(port);
        port = port == 65535 ? 1024 : port + 1;
      }
    int done = sendmmsg(fd, messages, batch, 0);
    if (done < 0) return perror("sendmmsg"), 1;
    sent += done;
  }
  printf("%lld %lld\n", sent, now() - began);
  return 0;
}
