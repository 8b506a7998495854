// SPDX-License-Identifier: MIT
// Requests: CDC PSTN 1.2, 6.3. Behaviour: Linux, drivers/usb/class/cdc-acm.c.
#include "host/attach/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/bytes.h"
#include "host/lib/clock.h"

enum {
  CLASS_COMM = 2,
  SUBCLASS_ACM = 2,
  CLASS_DATA = 10,
  DESCRIPTOR_ENDPOINT = 5,
  DESCRIPTOR_INTERFACE = 4,
  TYPE_BULK = 2,
  SET_LINE_CODING = 0x20,
  SET_CONTROL_LINE_STATE = 0x22,
  DTR_RTS = 3,
};

// Steps of opening.
enum { TOLD_NOTHING, TOLD_CODING, TOLD_OPEN };

void tty_init(struct tty *t, struct remote *remote, const char *link) {
  *t = (struct tty){.remote = remote, .link = link, .master = -1};
}

// --- the device ---

// The bulk endpoints behind `interface`, up to the next one.
static void find_endpoints(struct tty *t, const struct enumeration *e,
                           const uint8_t *interface) {
  const uint8_t *const end = e->descriptors + e->length;
  const uint8_t *d = interface + interface[0];
  for (; end - d >= 7 && d[0] >= 2 && d[1] != DESCRIPTOR_INTERFACE; d += d[0]) {
    if (d[1] != DESCRIPTOR_ENDPOINT || (d[3] & 3) != TYPE_BULK) continue;
    *(d[2] & 0x80 ? &t->in : &t->out) = d[2] & 0x0F;
  }
}

static bool find_function(struct tty *t, const struct enumeration *e) {
  bool communication = false;
  const uint8_t *i = NULL;
  t->in = t->out = 0;
  while ((i = enumeration_next_interface(e, i)) != NULL) {
    if (i[5] == CLASS_COMM && i[6] == SUBCLASS_ACM) {
      t->interface = i[2];
      communication = true;
    }
    if (i[5] == CLASS_DATA && communication) find_endpoints(t, e, i);
  }
  return t->in && t->out;
}

// --- the terminal ---

// A link to a terminal: whatever else the user has under that name stays.
static bool is_link(const char *path) {
  static const char terminals[] = "/dev/pts/";
  char to[sizeof terminals - 1];
  return readlink(path, to, sizeof to) == (ssize_t)sizeof to &&
         memcmp(to, terminals, sizeof to) == 0;
}

// Opened and closed once: from then on the master says whether anybody has it open.
static bool make_terminal(struct tty *t) {
  t->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (t->master < 0) return false;
  if (grantpt(t->master) || unlockpt(t->master)) return false;
  const char *name = ptsname(t->master);
  const int slave = name ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
  if (slave < 0) return false;
  close(slave);
  if (is_link(t->link)) unlink(t->link);  // of a run that was killed
  return symlink(name, t->link) == 0;
}

static void remove_terminal(struct tty *t) {
  if (t->master < 0) return;
  close(t->master);
  if (is_link(t->link)) unlink(t->link);
  t->master = -1;
}

const char *tty_plug(struct tty *t, const struct enumeration *e) {
  if (!t->link) return NULL;
  if (!find_function(t, e)) return "it has no serial function";
  t->open = t->hung_up = false;
  t->told = TOLD_NOTHING;
  t->have = t->given = 0;
  if (make_terminal(t)) return NULL;
  const int error = errno;
  remove_terminal(t);
  return strerror(error);
}

void tty_unplug(struct tty *t) {
  t->asks = t->receives = t->sends = false;
  remove_terminal(t);
}

void tty_close(struct tty *t) {
  if (t->asks) remote_cancel(t->remote, &t->asking);
  if (t->receives) remote_cancel(t->remote, &t->incoming);
  if (t->sends) remote_cancel(t->remote, &t->outgoing);
  tty_unplug(t);
}

// --- transfers ---

static void on_told(struct transfer *transfer) {
  ((struct tty *)transfer->owner)->asks = false;
}

static void tell(struct tty *t, uint8_t request, uint16_t value, uint16_t length) {
  uint8_t setup[8] = {0x21, request};
  store_le16(setup + 2, value);
  store_le16(setup + 4, t->interface);
  store_le16(setup + 6, length);
  t->asking = (struct transfer){.done = on_told, .owner = t};
  transfer_set_control(&t->asking, setup, t->coding);
  t->asks = remote_submit(t->remote, &t->asking);
}

// One request at a time until the device knows what is so.
static void tell_state(struct tty *t) {
  if (t->asks || t->master < 0) return;
  if (t->open && t->told == TOLD_NOTHING) {
    store_le32(t->coding, TTY_BAUD);
    memcpy(t->coding + 4, (const uint8_t[]){0, 0, 8}, 3);
    t->told = TOLD_CODING;
    tell(t, SET_LINE_CODING, 0, TTY_LINE_CODING);
  } else if (t->open && t->told == TOLD_CODING) {
    t->told = TOLD_OPEN;
    tell(t, SET_CONTROL_LINE_STATE, DTR_RTS, 0);
  } else if (!t->open && t->told != TOLD_NOTHING) {
    t->told = TOLD_NOTHING;
    tell(t, SET_CONTROL_LINE_STATE, 0, 0);
  }
}

static void on_received(struct transfer *transfer) {
  struct tty *t = transfer->owner;
  t->receives = false;
  t->have = transfer->status == USBIP_DONE ? transfer->actual : 0;
  if (transfer->status != USBIP_DONE) t->hung_up = true;
  t->given = 0;
}

static void on_sent(struct transfer *transfer) {
  struct tty *t = transfer->owner;
  t->sends = false;
  if (transfer->status != USBIP_DONE) t->hung_up = true;
}

static struct transfer bulk(struct tty *t, uint8_t endpoint, bool in, size_t length) {
  return (struct transfer){.endpoint = endpoint,
                           .in = in,
                           .data = in ? t->from : t->to,
                           .length = (uint32_t)length,
                           .done = in ? on_received : on_sent,
                           .owner = t};
}

static void receive(struct tty *t) {
  if (t->receives || t->given < t->have || t->told != TOLD_OPEN) return;
  if (t->asks || t->hung_up) return;
  t->incoming = bulk(t, t->in, true, TTY_CHUNK);
  t->receives = remote_submit(t->remote, &t->incoming);
}

// As in a kernel: what comes when nobody has it open is nobody's.
static void stop_receiving(struct tty *t) {
  if (t->receives) remote_cancel(t->remote, &t->incoming);
  t->receives = false;
  t->have = t->given = 0;
}

static void give(struct tty *t) {
  while (t->given < t->have) {
    const ssize_t n = write(t->master, t->from + t->given, t->have - t->given);
    if (n <= 0) return;
    t->given += (size_t)n;
  }
}

// What programs wrote before they closed it still goes out, then DTR falls.
static void take(struct tty *t) {
  if (t->sends || t->told != TOLD_OPEN || t->asks) return;
  const ssize_t n = read(t->master, t->to, sizeof t->to);
  if (n > 0 && !t->hung_up) {
    t->outgoing = bulk(t, t->out, false, (size_t)n);
    t->sends = remote_submit(t->remote, &t->outgoing);
  } else if (n < 0 && errno == EIO) {
    t->open = t->hung_up = false;
    stop_receiving(t);
  }
}

// --- for the loop ---

// Bytes that wait mean that a program was there, however shortly.
static void look(struct tty *t) {
  struct pollfd fd = {.fd = t->master, .events = POLLIN};
  if (poll(&fd, 1, 0) < 0) return;
  t->open = !(fd.revents & POLLHUP) || (fd.revents & POLLIN);
}

void tty_service(struct tty *t) {
  const uint64_t now = clock_now_ms();
  if (t->master < 0) return;
  if (!t->open && now >= t->look_ms) {
    look(t);
    t->look_ms = now + TTY_LOOK_MS;
  }
  tell_state(t);
  if (!t->open) return;
  give(t);
  take(t);
  receive(t);
  tell_state(t);
}

// A terminal that nobody has open is always readable: there is no use in waiting for
// it. Nor while what was read is still on its way.
int tty_fd(const struct tty *t) {
  return t->open && tty_poll_events(t) ? t->master : -1;
}

short tty_poll_events(const struct tty *t) {
  const bool listens = !t->sends && t->told == TOLD_OPEN && !t->asks;
  return (short)((listens ? POLLIN : 0) | (t->given < t->have ? POLLOUT : 0));
}

uint64_t tty_deadline(const struct tty *t) {
  return t->master >= 0 && !t->open ? t->look_ms : CLOCK_NEVER;
}

bool tty_busy(const struct tty *t) {
  return t->sends || t->asks;
}
