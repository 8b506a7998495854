// SPDX-License-Identifier: MIT
// A USB device on OTG_HS that lets the core move its data (RM0410 41.16, DMA mode):
// control requests and a bulk loopback. Its interrupt only ends WFI. Mail 0 is 1: the
// buffers are in cached memory and are maintained. A vendor request ends the program.
#include "tests/guests/usb_guest.h"

enum { LOOP = 4096, LINE = 32 };

// Whole cache lines each, so that nobody else's data share one.
struct buffers {
  uint8_t setup[64], out0[EP0], in0[STORE], loop[LOOP];
};
static struct buffers tightly_coupled __attribute__((aligned(LINE)));
static struct buffers *mem = &tightly_coupled;
static bool cached, ended;

static uint8_t store[STORE];
static uint32_t stored, wanted;  // bytes of a control write
static const uint8_t *reply;
static uint32_t reply_left;
static bool reply_zero, in_open;
static uint32_t packet;  // of the bulk endpoints

static uint32_t addr_of(const void *p) {
  return (uint32_t)(uintptr_t)p;
}

// --- caches ----------------------------------------------------------------------

static void by_lines(uint32_t operation, const void *from, uint32_t bytes) {
  if (!cached) return;
  barrier();
  for (uint32_t at = 0; at < bytes; at += LINE)
    wr(operation, addr_of(from) + at);
  barrier();
}

static void before_reading(const void *p, uint32_t bytes) {
  by_lines(DCIMVAC, p, bytes);
}

static void after_writing(const void *p, uint32_t bytes) {
  by_lines(DCCMVAC, p, bytes);
}

static void use_cached_memory(void) {
  mem = (struct buffers *)0x20060000u;
  barrier();
  for (uint32_t line = 0; line < 512; line++)
    wr(DCISW, (line & 3) << 30 | line >> 2 << 5);
  barrier();
  set(CCR, BIT(16));
  barrier();
  cached = true;
}

// --- the core --------------------------------------------------------------------

static void start_core(void) {
  usb_core();
  wr(GAHBCFG, BIT(5) | 3u << 1 | BIT(0));  // DMA, bursts of four, interrupts
  wr(GINTMSK, USBRST | ENUMDNE | IEPINT | OEPINT);
  wr(DIEPMSK, XFRC);
  wr(DOEPMSK, XFRC | STUP);
  wr(DAINTMSK, 0x30003);
  clear(DCTL, BIT(1));
}

// --- endpoint 0 ------------------------------------------------------------------

static void await_setup(void) {
  wr(DOEPTSIZ(0), STUPCNT3 | 1u << 19 | 24);
  wr(DOEPDMA(0), addr_of(mem->setup));
  set(DOEPCTL(0), EPENA);
}

static void arm_out0(void) {
  wr(DOEPTSIZ(0), STUPCNT3 | 1u << 19 | EP0);
  wr(DOEPDMA(0), addr_of(mem->out0));
  set(DOEPCTL(0), EPENA | CNAK);
}

static void arm_in0(const uint8_t *from, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; i++)
    mem->in0[i] = from[i];
  after_writing(mem->in0, bytes);
  wr(DIEPDMA(0), addr_of(mem->in0));
  wr(DIEPTSIZ(0), 1u << 19 | bytes);
  set(DIEPCTL(0), EPENA | CNAK);
}

static void next_in(void) {
  const uint32_t bytes = reply_left < EP0 ? reply_left : EP0;
  if (!bytes && !reply_zero) {
    in_open = false;
    arm_out0();  // status stage
    return;
  }
  if (bytes < EP0) reply_zero = false;
  arm_in0(reply, bytes);
  reply += bytes;
  reply_left -= bytes;
}

static void answer(const uint8_t *from, uint32_t have, uint32_t asked) {
  reply = from;
  reply_left = have < asked ? have : asked;
  reply_zero = have < asked && have % EP0 == 0;
  in_open = true;
  next_in();
}

static void status_in(void) {
  arm_in0(NULL, 0);
}

static void arm_loop(void) {
  wr(DOEPTSIZ(1), (LOOP / packet) << 19 | LOOP);
  wr(DOEPDMA(1), addr_of(mem->loop));
  set(DOEPCTL(1), EPENA | CNAK);
}

static void configure(void) {
  wr(DIEPCTL(1), USBAEP | BULK | 1u << 22 | SD0PID | packet);
  wr(DOEPCTL(1), USBAEP | BULK | SD0PID | packet);
  arm_loop();
}

static void refuse(void) {
  set(DIEPCTL(0), STALL);
  set(DOEPCTL(0), STALL);
  await_setup();
}

static void no_data(const uint8_t *s) {
  if (s[1] == 5) {
    wr(DCFG, (rd(DCFG) & ~(0x7Fu << 4)) | (uint32_t)s[2] << 4);
  } else if (s[1] == 9) {
    configure();
  } else if (s[1] == REQ_END) {
    ended = true;
  } else if (s[1] != REQ_STORE) {
    refuse();
    return;
  }
  status_in();
}

static void on_setup(void) {
  before_reading(mem->setup, sizeof mem->setup);
  const uint8_t *s = (const uint8_t *)(rd(DOEPDMA(0)) - 8);
  const uint32_t length = s[6] | (uint32_t)s[7] << 8;
  wanted = 0;
  if (s[0] == 0x80 && s[1] == 6 && s[3] == 1) {
    answer(usb_device, sizeof usb_device, length);
  } else if (s[0] == 0x80 && s[1] == 6 && s[3] == 2) {
    answer(usb_configuration, sizeof usb_configuration, length);
  } else if (s[0] == 0xC0 && s[1] == REQ_FETCH) {
    answer(store, stored, length);
  } else if (s[0] == 0x40 && s[1] == REQ_STORE && length && length <= STORE) {
    stored = 0;
    wanted = length;
    arm_out0();
  } else if (!(s[0] & 0x80) && !length) {
    no_data(s);
  } else {
    refuse();
    return;
  }
  if (!wanted && !(rd(DOEPCTL(0)) & EPENA)) await_setup();
}

static void on_out0(void) {
  if (!wanted) {  // a status stage
    await_setup();
    return;
  }
  const uint32_t bytes = EP0 - (rd(DOEPTSIZ(0)) & 0x7F);
  before_reading(mem->out0, sizeof mem->out0);
  for (uint32_t i = 0; i < bytes; i++)
    store[stored++] = mem->out0[i];
  if (stored < wanted) {
    arm_out0();
    return;
  }
  wanted = 0;
  await_setup();
  status_in();
}

// --- bulk, events ----------------------------------------------------------------

// What came goes back from where it lies; the CPU never touches it.
static void on_loop_out(void) {
  const uint32_t bytes = LOOP - (rd(DOEPTSIZ(1)) & 0x7FFFF);
  wr(DIEPDMA(1), addr_of(mem->loop));
  wr(DIEPTSIZ(1), (bytes / packet + 1) << 19 | bytes);
  set(DIEPCTL(1), EPENA | CNAK);
}

static void on_reset(void) {
  wr(DCFG, rd(DCFG) & ~(0x7Fu << 4));
  wr(GRSTCTL, 0x10u << 6 | BIT(5));
  wait_for(GRSTCTL, BIT(5), 0);
  wr(DOEPINT(0), 0xFB7F);
  wr(DIEPINT(0), 0xFB7F);
  in_open = false;
  wanted = 0;
  await_setup();
}

static void poll(void) {
  const uint32_t bus = usb_take(GINTSTS, USBRST | ENUMDNE);
  if (bus & USBRST) on_reset();
  if (bus & ENUMDNE) packet = usb_speed();
  const uint32_t out0 = usb_take(DOEPINT(0), XFRC | STUP);
  if (out0 & XFRC) on_out0();
  if (out0 & STUP) on_setup();
  if ((usb_take(DIEPINT(0), XFRC) & XFRC) && in_open) next_in();
  if (usb_take(DOEPINT(1), XFRC)) on_loop_out();
  if (usb_take(DIEPINT(1), XFRC)) arm_loop();
}

void guest_main(void) {
  if (rd(MAILBOX(0))) use_cached_memory();
  usb_board();
  start_core();
  irq_off();
  wr(NVIC_ISER(2), BIT(IRQ_OTG - 64));
  while (!ended || rd(DIEPCTL(0)) & EPENA) {  // up to the last status stage
    poll();
    wfi();
    wr(NVIC_ICPR(2), BIT(IRQ_OTG - 64));
  }
  check_true("the host has said goodbye", true);
}
