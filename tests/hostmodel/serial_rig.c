// SPDX-License-Identifier: MIT
#include "tests/hostmodel/serial_rig.h"

#include <string.h>

#include "common/base/bytes.h"
#include "common/format/dfuse.h"
#include "tests/hostmodel/dfu_client.h"

// ---- What is sent ----------------------------------------------------------

// Vectors, and behind `loop` of them: b .
static void make_application(struct serial_content *c, uint32_t size, uint32_t loop,
                             uint8_t seed) {
  c->application_size = size;
  dfu_pattern(c->application, size, seed);
  store_le32(c->application, 0x20020000u);
  store_le32(c->application + 4, APPLICATION + loop + 1);
  c->application[loop] = 0xFE;
  c->application[loop + 1] = 0xE7;
}

void serial_content_make(struct serial_content *c, uint8_t seed) {
  make_application(c, SERIAL_APPLICATION_SIZE, 0x200, seed);
  c->assets_size = SERIAL_ASSETS_SIZE;
  dfu_pattern(c->assets, c->assets_size, (uint8_t)(seed + 1));
  const struct dfuse_element_plan elements[] = {
      {APPLICATION, c->application_size, c->application},
      {EXTERNAL, c->assets_size, c->assets},
  };
  const struct dfuse_target_plan targets[] = {
      {.name = "flash", .elements = elements, .count = 1},
      {.alternate_setting = 1, .name = "qspi", .elements = elements + 1, .count = 1},
  };
  const struct dfuse_plan plan = {.targets = targets, .count = 2};
  c->file = (struct serial_file){.name = "update.dfu", .data = c->dfu};
  assert_int_equal(dfuse_plan_size(&plan, &c->file.size), DFUSE_OK);
  assert_int_equal(dfuse_build(&plan, c->dfu, sizeof c->dfu), DFUSE_OK);
}

void serial_content_make_short(struct serial_content *c, uint8_t seed) {
  make_application(c, SERIAL_SHORT_SIZE, 8, seed);
  c->assets_size = 0;
  c->file = (struct serial_file){"app.bin", c->application, c->application_size};
}

static uint8_t *cells(const struct rig *r, uint32_t address) {
  return (uint8_t *)(uintptr_t)rig_memory(r, address);
}

bool serial_content_is_on(const struct serial_content *c, const struct rig *r) {
  return !memcmp(cells(r, APPLICATION), c->application, c->application_size) &&
         !memcmp(cells(r, EXTERNAL), c->assets, c->assets_size);
}

// ---- The port --------------------------------------------------------------

enum { SET_CONTROL_LINE_STATE = 0x22, DTR_RTS = 3, COMMUNICATION = 1 };

static int set_lines(struct rig *r, uint16_t lines) {
  const struct request q = {0x21, SET_CONTROL_LINE_STATE, lines, COMMUNICATION, 0};
  return rig_control(r, q, NULL);
}

static void on_stop(void *ctx) {
  machine_stop(((struct serial_rig *)ctx)->rig->m);
}

void serial_rig_open(struct serial_rig *s, struct rig *r) {
  s->rig = r;
  s->host.usb = &r->m->usb;
  s->host.events = &r->m->sim.events;
  s->host.turnaround = VT_US(100);
  if (!s->host.stop) s->host.ctx = s;
  if (!s->host.stop) s->host.stop = on_stop;
  serial_host_open(&s->host, r->m->usb.speed == USB_SPEED_HIGH ? 512 : 64);
  assert_int_equal(set_lines(r, DTR_RTS), 0);
  rig_run(r, VT_MS(250));
}

void serial_rig_close(struct serial_rig *s) {
  const bool there = s->host.in.queued;
  serial_host_close(&s->host);
  if (there) assert_int_equal(set_lines(s->rig, 0), 0);
}

bool serial_rig_wait(struct serial_rig *s, vtime_t limit) {
  const vtime_t end = machine_now(s->rig->m) + limit;
  while (s->host.sending && !s->rig->cut && machine_now(s->rig->m) < end)
    rig_run(s->rig, VT_MS(1));
  return !s->host.sending;
}

// Bytes that came late may stand there as if typed.
static bool is_at_prompt(const struct serial_host *h) {
  const char *line = strrchr(h->said, '\n');
  return strstr(line ? line : h->said, "> ") != NULL;
}

// The console passes over what is not for it, up to 300 ms of silence.
bool serial_rig_prompt(struct serial_rig *s, vtime_t limit) {
  const vtime_t end = machine_now(s->rig->m) + limit;
  while (machine_now(s->rig->m) < end) {
    const size_t length = s->host.said_length;
    rig_run(s->rig, VT_MS(330));
    if (is_at_prompt(&s->host) && s->host.said_length == length) return true;
  }
  return false;
}

bool serial_rig_load(struct serial_rig *s, enum modem_protocol protocol,
                     const struct serial_file *file) {
  serial_host_type(&s->host, protocol == MODEM_YMODEM_G ? "load g\r" : "load\r");
  serial_host_send(&s->host, protocol, file, 1);
  return serial_rig_wait(s, VT_S(1000)) && !s->host.cut &&
         s->host.sender.end == MODEM_END_OK;
}
