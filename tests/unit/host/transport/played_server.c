// SPDX-License-Identifier: MIT
#include "tests/unit/host/transport/played_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

bool played_receive(int fd, void *bytes, size_t length) {
  return length == 0 || recv(fd, bytes, length, MSG_WAITALL) == (ssize_t)length;
}

bool played_send(int fd, const void *bytes, size_t length) {
  const char *p = bytes;
  while (length > 0) {
    const ssize_t n = send(fd, p, length, MSG_NOSIGNAL);
    if (n <= 0) return false;
    p += n;
    length -= (size_t)n;
  }
  return true;
}

static bool send_scene(int fd, const struct scene *scene) {
  if (!scene->dribbles) return played_send(fd, scene->reply, scene->length);
  const char *p = scene->reply;
  for (size_t i = 0; i < scene->length; i++) {
    if (!played_send(fd, p + i, 1)) return false;
    usleep(200);
  }
  return true;
}

static void play_scene(struct played_server *s, int fd) {
  uint8_t ignored[1024];
  if (s->connections > s->count) return;
  const struct scene *scene = &s->scenes[s->connections - 1];
  if (!played_receive(fd, ignored, scene->expect)) return;
  bool open = send_scene(fd, scene);
  while (open && scene->for_ever) {
    open = send_scene(fd, scene);
  }
  if (scene->stays_silent && s->held_count < 64) s->held[s->held_count++] = fd;
}

static bool is_held(const struct played_server *s, int fd) {
  for (size_t i = 0; i < s->held_count; i++) {
    if (s->held[i] == fd) return true;
  }
  return false;
}

static void *serve(void *ctx) {
  struct played_server *s = ctx;
  for (;;) {
    const int fd = accept(s->listener, NULL, NULL);
    const int one = 1;
    if (fd < 0) return NULL;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    s->connections++;
    if (s->play) {
      s->play(s, fd);
    } else {
      play_scene(s, fd);
    }
    if (!is_held(s, fd)) close(fd);
  }
}

void played_server_start(struct played_server *s) {
  struct sockaddr_in at = {.sin_family = AF_INET,
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  s->connections = 0;
  s->held_count = 0;
  s->listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(s->listener, (struct sockaddr *)&at, sizeof at) != 0 ||
      listen(s->listener, 16) != 0) {
    perror("played server");
  }
  getsockname(s->listener, (struct sockaddr *)&at, &size);
  s->port = ntohs(at.sin_port);
  pthread_create(&s->thread, NULL, serve, s);
}

void played_server_stop(struct played_server *s) {
  shutdown(s->listener, SHUT_RDWR);
  pthread_join(s->thread, NULL);
  close(s->listener);
  for (size_t i = 0; i < s->held_count; i++) {
    close(s->held[i]);
  }
}

struct usbip_endpoint played_server_endpoint(const struct played_server *s) {
  return (struct usbip_endpoint){.host = "127.0.0.1", .port = s->port};
}
