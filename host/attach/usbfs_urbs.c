// SPDX-License-Identifier: MIT
// URBs: submitted, discarded and reaped. A program names a URB by the address
// of its struct usbdevfs_urb, which stays its own until it is reaped.
#include <errno.h>
#include <limits.h>
#include <linux/usbdevice_fs.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bytes.h"
#include "host/attach/usbfs_internal.h"
#include "host/lib/clock.h"

enum {
  SETUP_SIZE = 8,
  // How long a reap without result takes on a NODE_FILE, whose poll() cannot
  // wait: long enough not to spin, short against every timeout of a program.
  IDLE_REAP_MS = 3,
};

// Takes a URB from the list that holds it; NULL when none does.
static struct usbfs_urb *unlist(struct usbfs_urb **list, const struct usbfs_urb *urb) {
  while (*list && *list != urb)
    list = &(*list)->next;
  struct usbfs_urb *found = *list;
  if (found) *list = found->next;
  return found;
}

// At the end: programs get URBs back in the order in which they were done.
static void append(struct usbfs_urb **list, struct usbfs_urb *urb) {
  while (*list)
    list = &(*list)->next;
  urb->next = NULL;
  *list = urb;
}

// Hands the oldest finished URB to the program: its address as the call's
// result, its status and data in the program's memory.
static long reap_one(struct usbfs_file *f) {
  UMockdevIoctlData *argument = umockdev_ioctl_client_get_arg(f->call.client);
  UMockdevIoctlData *slot = usbfs_resolve(argument, 0, sizeof(gulong));
  if (!slot) return -EFAULT;
  struct usbfs_urb *urb = f->done;
  f->done = urb->next;
  // umockdev only knows memory by the pointers that lead to it. The call's own
  // argument is made to point to the URB, which is what the program expects
  // there in the end, and the URB is then resolved as its target.
  memcpy(slot->data, &urb->address, sizeof urb->address);
  UMockdevIoctlData *theirs = usbfs_resolve(slot, 0, sizeof(struct usbdevfs_urb));
  if (theirs) {
    struct usbdevfs_urb *u = (struct usbdevfs_urb *)theirs->data;
    u->status = urb->transfer.status;
    u->actual_length = (int)urb->transfer.actual;
    u->error_count = 0;
  }
  if (theirs && urb->transfer.in && urb->transfer.actual > 0) {
    // From the start of the buffer, setup packet included: the pointer in the
    // program's URB must not change.
    UMockdevIoctlData *buffer =
        usbfs_resolve(theirs, offsetof(struct usbdevfs_urb, buffer),
                      urb->offset + urb->transfer.actual);
    if (buffer) memcpy(buffer->data + urb->offset, urb->data, urb->transfer.actual);
  }
  free(urb);
  return 0;
}

// A program that sleeps in a reap gets the URB at once.
static void on_urb_done(struct transfer *t) {
  struct usbfs_urb *urb = t->owner;
  struct usbfs_file *f = urb->file;
  unlist(&f->urbs, urb);
  append(&f->done, urb);
  if (f->call.waits_for_urb) usbfs_complete(f, reap_one(f));
  usbfs_update_node(f->device);
}

// Fills in a transfer from the program's URB. 0, or a negated error number. `out`
// is the data to send, which control transfers have behind their setup packet.
static long describe(UMockdevIoctlData *theirs, struct transfer *t, const uint8_t **out,
                     size_t *offset) {
  const struct usbdevfs_urb *u = (const struct usbdevfs_urb *)theirs->data;
  const size_t length = (size_t)u->buffer_length;
  const bool control = u->type == USBDEVFS_URB_TYPE_CONTROL;
  t->in = (u->endpoint & 0x80) != 0;
  t->endpoint = u->endpoint & 0x0F;
  t->length = (uint32_t)length;
  if (u->flags & USBDEVFS_URB_SHORT_NOT_OK) t->flags |= USBIP_URB_SHORT_NOT_OK;
  if (u->flags & USBDEVFS_URB_ZERO_PACKET) t->flags |= USBIP_URB_ZERO_PACKET;
  if (length == 0 || (t->in && !control)) return control ? -EINVAL : 0;
  UMockdevIoctlData *buffer =
      usbfs_resolve(theirs, offsetof(struct usbdevfs_urb, buffer), length);
  if (!buffer) return -EFAULT;
  *out = buffer->data;
  if (!control) return 0;
  if (length < SETUP_SIZE) return -EINVAL;
  const size_t data_length = load_le16(buffer->data + 6);
  if (SETUP_SIZE + data_length > length) return -EINVAL;
  transfer_set_control(t, buffer->data, NULL);
  *out = buffer->data + SETUP_SIZE;
  *offset = SETUP_SIZE;
  return 0;
}

long usbfs_submit_urb(struct usbfs_file *f) {
  UMockdevIoctlData *argument = umockdev_ioctl_client_get_arg(f->call.client);
  UMockdevIoctlData *theirs = usbfs_resolve(argument, 0, sizeof(struct usbdevfs_urb));
  if (!theirs) return -EFAULT;
  const struct usbdevfs_urb *u = (const struct usbdevfs_urb *)theirs->data;
  const bool known = u->type == USBDEVFS_URB_TYPE_CONTROL ||
                     u->type == USBDEVFS_URB_TYPE_BULK ||
                     u->type == USBDEVFS_URB_TYPE_INTERRUPT;
  if (!known || u->buffer_length < 0) return -EINVAL;
  if (u->buffer_length > USBIP_MAX_TRANSFER) return -ENOMEM;
  struct transfer t = {0};
  const uint8_t *out = NULL;
  size_t offset = 0;
  const long wrong = describe(theirs, &t, &out, &offset);
  if (wrong) return wrong;
  struct usbfs_urb *urb = calloc(1, sizeof *urb + t.length);
  if (!urb) return -ENOMEM;
  if (!t.in && t.length > 0) memcpy(urb->data, out, t.length);
  t.data = urb->data;
  t.done = on_urb_done;
  t.owner = urb;
  urb->transfer = t;
  urb->file = f;
  urb->address = theirs->client_addr;
  urb->offset = offset;
  if (!remote_submit(f->device->usbfs->remote, &urb->transfer)) {
    free(urb);
    return -ENODEV;
  }
  append(&f->urbs, urb);
  return 0;
}

// The argument is the URB's address itself. The URB is then reaped like any
// other, with the status of one that was killed.
long usbfs_discard_urb(struct usbfs_file *f) {
  gulong address;
  memcpy(&address, umockdev_ioctl_client_get_arg(f->call.client)->data, sizeof address);
  struct usbfs_urb *urb = f->urbs;
  while (urb && urb->address != address)
    urb = urb->next;
  if (!urb) return -EINVAL;
  remote_cancel(f->device->usbfs->remote, &urb->transfer);
  urb->transfer.status = USBIP_CANCELLED;
  urb->transfer.actual = 0;
  unlist(&f->urbs, urb);
  append(&f->done, urb);
  return 0;
}

// The call goes on until a URB is done, or the time is over.
static long wait_for_urb(struct usbfs_file *f, uint64_t deadline_ms) {
  f->call.waits_for_urb = true;
  f->call.deadline_ms = deadline_ms;
  return USBFS_PENDING;
}

static long nothing_to_reap(const struct usbfs_file *f) {
  return f->device->gone ? -ENODEV : -EAGAIN;
}

// With nothing submitted a kernel would wait for another thread to submit
// something; here that thread would wait for the preload library's lock.
long usbfs_reap(struct usbfs_file *f) {
  if (f->done) return reap_one(f);
  if (!f->urbs) return nothing_to_reap(f);
  return wait_for_urb(f, CLOCK_NEVER);
}

long usbfs_reap_no_delay(struct usbfs_file *f) {
  if (f->done) return reap_one(f);
  if (!f->urbs || f->device->node.kind != NODE_FILE) return nothing_to_reap(f);
  return wait_for_urb(f, clock_now_ms() + IDLE_REAP_MS);
}

void usbfs_end_urbs(struct usbfs_file *f) {
  while (f->urbs) {
    struct usbfs_urb *urb = unlist(&f->urbs, f->urbs);
    remote_cancel(f->device->usbfs->remote, &urb->transfer);
    urb->transfer.status = USBIP_SHUTDOWN;
    urb->transfer.actual = 0;
    append(&f->done, urb);
  }
  if (f->call.waits_for_urb) usbfs_complete(f, f->done ? reap_one(f) : -ENODEV);
}

void usbfs_free_urbs(struct usbfs_file *f) {
  while (f->urbs) {
    struct usbfs_urb *urb = unlist(&f->urbs, f->urbs);
    remote_cancel(f->device->usbfs->remote, &urb->transfer);
    free(urb);
  }
  while (f->done)
    free(unlist(&f->done, f->done));
}
