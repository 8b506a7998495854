// SPDX-License-Identifier: MIT
#include "host/attach/bridge.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/attach/command.h"
#include "host/attach/preload.h"
#include "host/attach/sleeps.h"
#include "host/attach/testbed.h"
#include "host/attach/tty.h"
#include "host/attach/usbfs.h"
#include "host/lib/clock.h"
#include "host/transport/remote.h"

// Questions to the device, one at a time.
struct interview {
  struct enumeration *answers;   // NULL: none under way
  struct usbfs_file *resetting;  // asked because of its reset; else a new device
  struct transfer transfer;
  uint8_t data[UINT16_MAX];
  uint64_t deadline_ms;
};

struct bridge {
  const struct options *options;
  const char *sleep_library;
  struct command command;
  struct remote remote;
  struct remote_events events;
  struct testbed testbed;
  struct usbfs usbfs;
  struct sleeps sleeps;
  struct tty tty;
  struct interview interview;
  uint32_t speed;
  bool started;
  int failure;  // exit status that overrides the program's
};

static void say(const char *sentence) {
  fprintf(stderr, "quadboot-attach: %s\n", sentence);
}

static void say_if_verbose(void *ctx, const char *sentence) {
  const struct bridge *b = ctx;
  if (b->options->verbose) say(sentence);
}

static void fail(struct bridge *b, int status, const char *sentence) {
  say(sentence);
  b->failure = status;
}

// ------------------------------------------------------------ plug and unplug

static void plug_tty(struct bridge *b) {
  const char *problem = tty_plug(&b->tty, usbfs_enumeration(&b->usbfs));
  char sentence[200];
  if (!problem) return;
  snprintf(sentence, sizeof sentence, "There is no terminal: %s.", problem);
  if (b->started) {
    say(sentence);
  } else {
    fail(b, BRIDGE_FAILED, sentence);
  }
}

static void plug(struct bridge *b, struct enumeration *answers) {
  const unsigned devnum = testbed_next_devnum(&b->testbed);
  char *devnode = testbed_next_node(&b->testbed);
  const char *problem = usbfs_plug(&b->usbfs, b->testbed.umockdev, b->options->node,
                                   devnum, devnode, answers, b->speed);
  if (!problem && !testbed_plug(&b->testbed, answers, b->speed)) {
    problem = "umockdev refuses the device";
  }
  char sentence[200];
  if (problem) {
    snprintf(sentence, sizeof sentence, "The device cannot be shown: %s.", problem);
  } else {
    snprintf(sentence, sizeof sentence, "The device is %s.", devnode);
  }
  g_free(devnode);
  if (!problem) {
    say_if_verbose(b, sentence);
    plug_tty(b);
  } else if (b->started) {
    say(sentence);  // the program goes on without it
  } else {
    fail(b, BRIDGE_FAILED, sentence);
  }
}

static void unplug(struct bridge *b) {
  tty_unplug(&b->tty);
  usbfs_unplug(&b->usbfs, b->testbed.umockdev);
  testbed_unplug(&b->testbed);
}

// ------------------------------------------------------------------ interview

static void end_interview(struct bridge *b, long reset_result) {
  struct usbfs_file *file = b->interview.resetting;
  free(b->interview.answers);
  b->interview.answers = NULL;
  b->interview.resetting = NULL;
  if (file) usbfs_finish_reset(file, reset_result);
}

// All is asked. A device that answers a reset with other descriptors than
// before is another device to the programs, as in a kernel.
static void conclude(struct bridge *b) {
  const struct enumeration *before = usbfs_enumeration(&b->usbfs);
  struct enumeration *now = b->interview.answers;
  const bool same = before && before->length == now->length &&
                    memcmp(before->descriptors, now->descriptors, now->length) == 0;
  if (b->interview.resetting && same) {
    end_interview(b, 0);
    return;
  }
  b->interview.answers = NULL;
  end_interview(b, -ENODEV);
  unplug(b);
  plug(b, now);
}

static void ask_next(struct bridge *b) {
  struct interview *i = &b->interview;
  uint8_t setup[8];
  if (!enumeration_request(i->answers, setup)) {
    conclude(b);
    return;
  }
  transfer_set_control(&i->transfer, setup, i->data);
  if (!remote_submit(&b->remote, &i->transfer)) end_interview(b, -ENODEV);
}

// When the device leaves, on_lost ends the interview.
static void on_answer(struct transfer *t) {
  struct bridge *b = t->owner;
  if (t->status == USBIP_SHUTDOWN) return;
  const char *problem = enumeration_answer(b->interview.answers,
                                           t->status == USBIP_DONE, t->data, t->actual);
  if (!problem) {
    ask_next(b);
    return;
  }
  char sentence[120];
  snprintf(sentence, sizeof sentence, "The device %s.", problem);
  say_if_verbose(b, sentence);
  remote_drop(&b->remote, "has a device that cannot be used");
}

static void start_interview(struct bridge *b, struct usbfs_file *resetting) {
  struct interview *i = &b->interview;
  i->answers = malloc(sizeof *i->answers);
  i->resetting = resetting;
  if (!i->answers) {
    end_interview(b, -ENOMEM);
    return;
  }
  enumeration_start(i->answers, resetting ? usbfs_settings(&b->usbfs) : NULL);
  i->transfer = (struct transfer){.done = on_answer, .owner = b};
  i->deadline_ms = clock_now_ms() + BRIDGE_ENUMERATE_MS;
  ask_next(b);
}

// --------------------------------------------------------------------- events

static void on_attached(void *ctx, const struct usbip_device *device) {
  struct bridge *b = ctx;
  b->speed = device->speed;
  start_interview(b, NULL);
}

static void on_lost(void *ctx) {
  struct bridge *b = ctx;
  if (b->interview.answers) end_interview(b, -ENODEV);
  unplug(b);
}

static void on_reset(void *ctx, struct usbfs_file *file) {
  struct bridge *b = ctx;
  if (b->interview.answers) {
    usbfs_finish_reset(file, -EBUSY);
  } else {
    start_interview(b, file);
  }
}

static void on_configured(void *ctx, unsigned value) {
  struct bridge *b = ctx;
  testbed_set_configuration(&b->testbed, value);
}

// ----------------------------------------------------------------------- loop

static uint64_t interview_deadline(const struct bridge *b) {
  return b->interview.answers ? b->interview.deadline_ms : CLOCK_NEVER;
}

// Waits for anything to happen, and lets each part do what it can. Nobody looks at
// which descriptor woke us: a part without work returns at once.
static void turn(struct bridge *b, uint64_t deadline) {
  deadline = clock_earlier(deadline, remote_deadline(&b->remote));
  deadline = clock_earlier(deadline, usbfs_deadline(&b->usbfs));
  deadline = clock_earlier(deadline, tty_deadline(&b->tty));
  deadline = clock_earlier(deadline, interview_deadline(b));
  const uint64_t now = clock_now_ms();
  const uint64_t wait = deadline > now ? deadline - now : 0;
  struct pollfd fds[] = {
      {.fd = command_fd(&b->command), .events = POLLIN},
      {.fd = usbfs_fd(&b->usbfs), .events = POLLIN},
      {.fd = sleeps_fd(&b->sleeps), .events = POLLIN},
      {.fd = tty_fd(&b->tty), .events = tty_poll_events(&b->tty)},
      {.fd = remote_fd(&b->remote), .events = remote_poll_events(&b->remote)},
  };
  poll(fds, sizeof fds / sizeof fds[0], wait < INT32_MAX ? (int)wait : -1);
  command_service(&b->command);
  remote_service(&b->remote);
  usbfs_service(&b->usbfs);
  sleeps_service(&b->sleeps);
  tty_service(&b->tty);
  if (clock_now_ms() >= interview_deadline(b)) {
    remote_drop(&b->remote, "has a device that does not answer");
  }
}

static void start_command(struct bridge *b) {
  char *const *argv = b->options->command;
  const int error = command_start(&b->command, argv);
  sleeps_handed_over(&b->sleeps);
  b->started = true;
  if (!error) return;
  char sentence[300];
  snprintf(sentence, sizeof sentence, "\"%.200s\" cannot be run: %s.", argv[0],
           strerror(error));
  fail(b, COMMAND_CANNOT_RUN, sentence);
}

static void fail_without_device(struct bridge *b) {
  char server[USBIP_ENDPOINT_TEXT_SIZE];
  char sentence[USBIP_ENDPOINT_TEXT_SIZE + 200];
  usbip_endpoint_format(&b->options->server, server);
  const char *problem = b->remote.problem;
  snprintf(sentence, sizeof sentence,
           "No device within %d seconds: the USB/IP server at %s %s.",
           BRIDGE_DEVICE_MS / 1000, server, problem ? problem : "does not answer");
  fail(b, BRIDGE_FAILED, sentence);
}

static void wait_for_device(struct bridge *b) {
  const uint64_t deadline = clock_now_ms() + BRIDGE_DEVICE_MS;
  while (!b->failure && !b->command.ended && !usbfs_enumeration(&b->usbfs)) {
    if (clock_now_ms() >= deadline) {
      fail_without_device(b);
    } else {
      turn(b, deadline);
    }
  }
}

// Nobody is left who wants the answers, nor the call that asked for them.
static void stop_interview(struct bridge *b) {
  if (!b->interview.answers) return;
  remote_cancel(&b->remote, &b->interview.transfer);
  b->interview.resetting = NULL;
  end_interview(b, 0);
}

// The program may have been killed with the device in use. A kernel would now
// put that right; this is its last chance to reach the device.
static void say_goodbye(struct bridge *b) {
  const uint64_t deadline = clock_now_ms() + BRIDGE_GOODBYE_MS;
  stop_interview(b);
  usbfs_service(&b->usbfs);
  usbfs_close_files(&b->usbfs);
  while (tty_busy(&b->tty) && clock_now_ms() < deadline)
    turn(b, deadline);
  tty_close(&b->tty);
  while (remote_busy(&b->remote) && clock_now_ms() < deadline)
    turn(b, deadline);
}

static void work(struct bridge *b) {
  wait_for_device(b);
  if (!b->failure && !b->command.ended) start_command(b);
  while (!b->failure && !b->command.ended)
    turn(b, CLOCK_NEVER);
  say_goodbye(b);
}

// ----------------------------------------------------------------------- start

// Opens every part; false after a sentence.
static bool open_parts(struct bridge *b) {
  if (!command_prepare(&b->command) || !usbfs_open(&b->usbfs, &b->remote) ||
      !sleeps_open(&b->sleeps, &b->remote)) {
    char sentence[100];
    snprintf(sentence, sizeof sentence, "Cannot start: %s.", strerror(errno));
    say(sentence);
    return false;
  }
  preload_for_command(b->sleep_library, b->sleeps.child_fd);
  if (!testbed_open(&b->testbed)) {
    say("Cannot show a device: umockdev's preload library was not loaded; the "
        "package libumockdev0 has it.");
    return false;
  }
  const char *problem = remote_open(&b->remote, &b->options->server,
                                    b->sleep_library == NULL, &b->events);
  if (!problem) return true;
  char sentence[USBIP_HOST_SIZE + 100];
  snprintf(sentence, sizeof sentence, "The host \"%s\" is not found: %s.",
           b->options->server.host, problem);
  say(sentence);
  return false;
}

static void close_parts(struct bridge *b) {
  remote_close(&b->remote);
  free(b->interview.answers);
  testbed_close(&b->testbed);
  usbfs_close(&b->usbfs);
  sleeps_close(&b->sleeps);
}

int bridge_run(const struct options *options, const char *sleep_library) {
  struct bridge *b = calloc(1, sizeof *b);
  if (!b) return BRIDGE_FAILED;
  b->options = options;
  b->sleep_library = sleep_library;
  b->events = (struct remote_events){
      .ctx = b, .attached = on_attached, .lost = on_lost, .log = say_if_verbose};
  b->usbfs = (struct usbfs){
      .ctx = b, .reset = on_reset, .configured = on_configured, .wake = -1};
  b->sleeps = (struct sleeps){.fd = -1, .child_fd = -1};
  b->remote.stream.fd = -1;
  tty_init(&b->tty, &b->remote, options->tty);
  b->failure = BRIDGE_FAILED;
  if (open_parts(b)) {
    b->failure = 0;
    work(b);
  }
  const int status = b->failure ? b->failure : b->command.exit_status;
  close_parts(b);
  free(b);
  return status;
}
