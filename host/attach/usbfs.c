// SPDX-License-Identifier: MIT
// Devices, open files, and the way of a call from umockdev's thread to here and
// back.
#include "host/attach/usbfs.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "host/attach/usbfs_internal.h"
#include "host/lib/clock.h"

// ------------------------------------------------------- umockdev's thread

struct usbfs_event {
  struct usbfs_device *device;
  UMockdevIoctlClient *client;  // a reference
  bool closed;                  // else: it made a call
};

static void queue_event(struct usbfs_device *d, UMockdevIoctlClient *client,
                        bool closed) {
  struct usbfs_event *event = g_new(struct usbfs_event, 1);
  *event = (struct usbfs_event){d, g_object_ref(client), closed};
  g_async_queue_push(d->usbfs->queue, event);
  eventfd_write(d->usbfs->wake, 1);
}

// Nothing is done here: this thread also serves every other call's memory
// transfers, and all state belongs to the other thread.
static gboolean on_ioctl(UMockdevIoctlBase *handler, UMockdevIoctlClient *client,
                         struct usbfs_device *d) {
  (void)handler;
  queue_event(d, client, false);
  return TRUE;  // completed later, which umockdev allows
}

static void on_connected_changed(UMockdevIoctlClient *client, GParamSpec *property,
                                 struct usbfs_device *d) {
  (void)property;
  if (!umockdev_ioctl_client_get_connected(client)) queue_event(d, client, true);
}

// Ours is the last reference. While a program lives, umockdev has one to read
// its next call; or we have a second, to answer the last. So this program was
// killed before it had its answer. umockdev does not tell of that by itself.
static void on_last_reference(gpointer device, GObject *client, gboolean is_last) {
  if (is_last) queue_event(device, (UMockdevIoctlClient *)client, true);
}

static void on_client_connected(UMockdevIoctlBase *handler, UMockdevIoctlClient *client,
                                struct usbfs_device *d) {
  (void)handler;
  g_signal_connect(client, "notify::connected", G_CALLBACK(on_connected_changed), d);
  g_object_add_toggle_ref(G_OBJECT(client), on_last_reference, d);
}

// -------------------------------------------------------------------- calls

UMockdevIoctlData *usbfs_resolve(UMockdevIoctlData *data, size_t offset,
                                 size_t length) {
  UMockdevIoctlData *found = umockdev_ioctl_data_resolve(data, offset, length, NULL);
  if (!found) return NULL;
  g_object_unref(found);  // `data` holds it until the call completes
  return found;
}

void *usbfs_argument(struct usbfs_file *f, size_t length) {
  UMockdevIoctlData *argument = umockdev_ioctl_client_get_arg(f->call.client);
  UMockdevIoctlData *found = usbfs_resolve(argument, 0, length);
  return found ? found->data : NULL;
}

// The call is over before umockdev hears of it: the program's next one may be
// queued before umockdev_ioctl_client_complete returns.
void usbfs_complete(struct usbfs_file *f, long result) {
  UMockdevIoctlClient *client = f->call.client;
  free(f->call.data);
  f->call = (struct usbfs_call){0};
  umockdev_ioctl_client_complete(client, result < 0 ? -1 : result,
                                 result < 0 ? (int)-result : 0);
  g_object_unref(client);
}

static void on_transfer_done(struct transfer *t) {
  struct usbfs_file *f = t->owner;
  f->call.waits_for_transfer = false;
  usbfs_complete(f, f->call.finish(f));
}

long usbfs_transfer(struct usbfs_file *f, uint32_t timeout_ms,
                    long (*finish)(struct usbfs_file *file)) {
  struct usbfs_call *call = &f->call;
  call->finish = finish;
  call->transfer.done = on_transfer_done;
  call->transfer.owner = f;
  call->waits_for_transfer = true;
  call->deadline_ms = timeout_ms ? clock_now_ms() + timeout_ms : CLOCK_NEVER;
  if (remote_submit(f->device->usbfs->remote, &call->transfer)) return USBFS_PENDING;
  call->waits_for_transfer = false;
  return -ENODEV;
}

long usbfs_control(struct usbfs_file *f, const uint8_t setup[8], uint8_t *data,
                   uint32_t timeout_ms, long (*finish)(struct usbfs_file *file)) {
  f->call.data = data;
  f->call.transfer = (struct transfer){0};
  transfer_set_control(&f->call.transfer, setup, data);
  return usbfs_transfer(f, timeout_ms, finish);
}

static uint64_t call_deadline(const struct usbfs_file *f) {
  const bool waits = f->call.waits_for_transfer || f->call.waits_for_urb;
  return f->call.client && waits ? f->call.deadline_ms : CLOCK_NEVER;
}

// The time that the program gave its call is over.
static void time_out(struct usbfs_file *f) {
  const bool in_transfer = f->call.waits_for_transfer;
  if (in_transfer) remote_cancel(f->device->usbfs->remote, &f->call.transfer);
  usbfs_complete(f, in_transfer ? -ETIMEDOUT : -EAGAIN);
}

// -------------------------------------------------------------------- files

// umockdev names no open files, only clients: one for each time that a node is
// opened.
static struct usbfs_file *find_file(struct usbfs_device *d,
                                    UMockdevIoctlClient *client) {
  struct usbfs_file *f = d->files;
  while (f && f->client != client)
    f = f->next;
  return f;
}

static struct usbfs_file *open_file(struct usbfs_device *d,
                                    UMockdevIoctlClient *client) {
  struct usbfs_file *f = calloc(1, sizeof *f);
  if (!f) return NULL;
  *f = (struct usbfs_file){.next = d->files, .device = d, .client = client};
  d->files = f;
  return f;
}

static void on_goodbye_done(struct transfer *t) {
  free(t);
}

// What the kernel does for an interface that its program left in another
// setting. Nobody waits for the result.
static void reset_setting(struct usbfs_device *d, unsigned interface) {
  const bool changed = d->settings[interface] != 0;
  struct transfer *t = changed && !d->gone ? calloc(1, sizeof *t) : NULL;
  if (!t) return;
  const uint8_t setup[8] = {0x01, 11, 0, 0, (uint8_t)interface, 0, 0, 0};
  transfer_set_control(t, setup, NULL);
  t->done = on_goodbye_done;
  d->settings[interface] = 0;
  if (!remote_submit(d->usbfs->remote, t)) free(t);
}

// What a kernel does in close(), which programs that are killed reach as well
// (Linux, drivers/usb/core/devio.c, usbdev_release).
static void close_file(struct usbfs_file *f) {
  struct usbfs_device *d = f->device;
  struct usbfs_file **link = &d->files;
  while (*link != f)
    link = &(*link)->next;
  *link = f->next;
  if (f->call.waits_for_transfer) remote_cancel(d->usbfs->remote, &f->call.transfer);
  free(f->call.data);
  usbfs_free_urbs(f);
  for (unsigned i = 0; i <= USBFS_MAX_INTERFACE; i++) {
    if (f->claimed & (1u << i)) reset_setting(d, i);
  }
  free(f);
  usbfs_update_node(d);
}

void usbfs_close_files(struct usbfs *u) {
  while (u->current && u->current->files)
    close_file(u->current->files);
}

static void drop_client(const struct usbfs_event *event) {
  UMockdevIoctlClient *client = event->client;
  // umockdev calls it critical when a client is freed whose connection it did
  // not close. It does not close those of programs killed in the middle of a
  // call, so these few stay to the end of the process.
  if (umockdev_ioctl_client_get_connected(client)) g_object_ref(client);
  g_object_remove_toggle_ref(G_OBJECT(client), on_last_reference, event->device);
  g_object_unref(client);
}

static void take_event(const struct usbfs_event *event) {
  struct usbfs_device *d = event->device;
  struct usbfs_file *f = find_file(d, event->client);
  if (event->closed) {
    if (f) close_file(f);
    drop_client(event);
    return;
  }
  if (!f) f = open_file(d, event->client);
  if (!f) {
    umockdev_ioctl_client_complete(event->client, -1, ENOMEM);
    g_object_unref(event->client);
    return;
  }
  f->call = (struct usbfs_call){.client = event->client};
  const long result = usbfs_dispatch(f);
  if (result != USBFS_PENDING) usbfs_complete(f, result);
  usbfs_update_node(d);
}

// ---------------------------------------------------------- devices, service

bool usbfs_open(struct usbfs *u, struct remote *remote) {
  u->remote = remote;
  u->queue = g_async_queue_new();
  u->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return u->wake >= 0;
}

int usbfs_fd(const struct usbfs *u) {
  return u->wake;
}

uint64_t usbfs_deadline(const struct usbfs *u) {
  uint64_t earliest = CLOCK_NEVER;
  for (const struct usbfs_device *d = u->devices; d; d = d->next) {
    for (const struct usbfs_file *f = d->files; f; f = f->next) {
      earliest = clock_earlier(earliest, call_deadline(f));
    }
  }
  return earliest;
}

void usbfs_service(struct usbfs *u) {
  eventfd_t count;
  eventfd_read(u->wake, &count);
  struct usbfs_event *event;
  while ((event = g_async_queue_try_pop(u->queue)) != NULL) {
    take_event(event);
    g_free(event);
  }
  for (struct usbfs_device *d = u->devices; d; d = d->next) {
    for (struct usbfs_file *f = d->files; f; f = f->next) {
      if (clock_now_ms() >= call_deadline(f)) time_out(f);
    }
  }
}

void usbfs_update_node(struct usbfs_device *d) {
  bool ready = d->gone;
  for (const struct usbfs_file *f = d->files; f; f = f->next) {
    if (f->done) ready = true;
  }
  node_set_ready(&d->node, ready);
}

const char *usbfs_plug(struct usbfs *u, UMockdevTestbed *testbed, enum node_kind kind,
                       unsigned devnum, const char *devnode, struct enumeration *e,
                       uint32_t speed) {
  struct usbfs_device *d = calloc(1, sizeof *d);
  if (!d) {
    free(e);
    return "no memory for the device";
  }
  *d = (struct usbfs_device){.next = u->devices,
                             .usbfs = u,
                             .devnode = g_strdup(devnode),
                             .devnum = devnum,
                             .speed = speed,
                             .enumeration = e};
  // Known from here on, so that usbfs_unplug cleans up after a failure below.
  u->devices = d;
  u->current = d;
  char *root = umockdev_testbed_get_root_dir(testbed);
  const bool created =
      node_create(&d->node, kind, root, devnode, e->descriptors, e->length);
  g_free(root);
  if (!created) return "the device node cannot be created";
  d->handler = umockdev_ioctl_base_new();
  g_signal_connect(d->handler, "handle-ioctl", G_CALLBACK(on_ioctl), d);
  g_signal_connect(d->handler, "client-connected", G_CALLBACK(on_client_connected), d);
  if (!umockdev_testbed_attach_ioctl(testbed, devnode, d->handler, NULL)) {
    return "umockdev refuses the device node";
  }
  return NULL;
}

// The device stays in the list: programs may keep its node open for as long as
// they like, and are told that it is gone.
void usbfs_unplug(struct usbfs *u, UMockdevTestbed *testbed) {
  struct usbfs_device *d = u->current;
  if (!d) return;
  u->current = NULL;
  d->gone = true;
  if (d->handler) umockdev_testbed_detach_ioctl(testbed, d->devnode, NULL);
  for (struct usbfs_file *f = d->files; f; f = f->next) {
    usbfs_end_urbs(f);
    if (!f->call.waits_for_transfer) continue;
    remote_cancel(u->remote, &f->call.transfer);
    usbfs_complete(f, -ENODEV);
  }
  node_remove(&d->node);
  free(d->enumeration);
  d->enumeration = NULL;
}

// Events that came after the last usbfs_service.
static void drop_queue(struct usbfs *u) {
  struct usbfs_event *event;
  while ((event = g_async_queue_try_pop(u->queue)) != NULL) {
    if (event->closed) {
      drop_client(event);
    } else {
      g_object_unref(event->client);
    }
    g_free(event);
  }
  g_async_queue_unref(u->queue);
}

void usbfs_close(struct usbfs *u) {
  if (u->queue) drop_queue(u);
  while (u->devices) {
    struct usbfs_device *d = u->devices;
    while (d->files)
      close_file(d->files);
    u->devices = d->next;
    node_remove(&d->node);
    if (d->handler) g_object_unref(d->handler);
    g_free(d->devnode);
    free(d->enumeration);
    free(d);
  }
  if (u->wake >= 0) close(u->wake);
}

const struct enumeration *usbfs_enumeration(const struct usbfs *u) {
  return u->current ? u->current->enumeration : NULL;
}

const uint8_t *usbfs_settings(const struct usbfs *u) {
  return u->current ? u->current->settings : NULL;
}

void usbfs_finish_reset(struct usbfs_file *file, long result) {
  usbfs_complete(file, result);
}
