// SPDX-License-Identifier: MIT
// Which of the two programs runs after a reset, and what the application finds when
// it is its turn: the chip as after a reset (only VTOR and the watchdog excepted).
// And the watchdog, which may be running already when the bootloader comes.
#include <string.h>

#include "common/base/bytes.h"
#include "tests/hostmodel/dfu_client.h"

// RTC_BKP31R, and the words that are put there (examples/quadboot.h and the facts).
#define REQUEST_OFFSET 0xCCu
#define REQUEST_STAY   0x4C444251u
#define REQUEST_APP    0x50414251u

#define STACK 0x20020000u
#define ENTRY 0x08010009u

// --- applications --------------------------------------------------------------

static void plant(struct rig *r, uint32_t stack, uint32_t reset) {
  uint8_t *p = r->m->flash_bytes + (APPLICATION - INTERNAL);
  dfu_plant_application(r);
  store_le32(p, stack);
  store_le32(p + 4, reset);
  // Wherever else the vector may lead there is the same endless loop.
  static const uint8_t loop[] = {0xFE, 0xE7};
  const uint32_t at = (reset & ~1u) - INTERNAL;
  if (reset >= APPLICATION + 8 && at <= 0x1FFFFE) {
    memcpy(r->m->flash_bytes + at, loop, sizeof loop);
  }
}

static bool application_runs(const struct rig *r) {
  return r->m->marks.app_start != VT_NEVER;
}

// Until one of them is there: the application's first instruction, or the device.
static bool application_starts(struct rig *r) {
  const vtime_t limit = machine_now(r->m) + VT_S(1);
  while (machine_now(r->m) < limit && !application_runs(r) &&
         r->m->marks.usb_connect == VT_NEVER)
    rig_run(r, VT_US(100));
  assert_true(application_runs(r) != (r->m->marks.usb_connect != VT_NEVER));
  return application_runs(r);
}

static void expect_reason(const struct rig *r, const char *reason) {
  char line[128];
  snprintf(line, sizeof line, "quadboot 0.1.0 on %s: %s\r\n", r->board->name, reason);
  assert_string_equal(r->uart, line);
}

// --- the chip as an application finds it ---------------------------------------

struct picture {
  uint32_t rcc[RCC_WORDS], pwr[PWR_WORDS], syscfg[SYSCFG_WORDS], usart[USART_WORDS];
  struct {
    uint32_t moder, otyper, ospeedr, pupdr, odr, afr[2];
  } ports[MACHINE_PORTS];
  uint32_t otg_hs[0x1000 / 4], otg_fs[0x1000 / 4];
  uint32_t quadspi[8];
  uint32_t flash[3];
  uint32_t nvic[3 * NVIC_WORDS + 3];
  uint32_t scs[10];
  uint32_t mpu[2 + 2 * MPU_REGIONS];
};

static void picture_core(const struct machine *m, struct picture *p) {
  const struct scs *s = &m->scs;
  const uint32_t words[] = {s->scr,
                            s->ccr,
                            s->cpacr,
                            s->shcsr_enables,
                            s->fpccr,
                            s->systick.csr,
                            s->systick.reload,
                            s->cfsr,
                            cpu_masks(m->cpu).primask,
                            cpu_control(m->cpu)};
  memcpy(p->scs, words, sizeof words);
  memcpy(p->nvic, s->nvic.enabled, sizeof s->nvic.enabled);
  memcpy(p->nvic + NVIC_WORDS, s->nvic.pending, sizeof s->nvic.pending);
  memcpy(p->nvic + 2 * NVIC_WORDS, s->nvic.active, sizeof s->nvic.active);
  p->nvic[3 * NVIC_WORDS] = s->nvic.system_pending;
  p->nvic[3 * NVIC_WORDS + 1] = s->nvic.system_active;
  p->nvic[3 * NVIC_WORDS + 2] = s->nvic.prigroup;
  p->mpu[0] = s->mpu.ctrl;
  memcpy(p->mpu + 2, s->mpu.regions, sizeof s->mpu.regions);
}

static void picture_ports(const struct machine *m, struct picture *p) {
  for (unsigned i = 0; i < MACHINE_PORTS; i++) {
    const struct gpio *g = &m->gpio[i];
    p->ports[i].moder = g->moder;
    p->ports[i].otyper = g->otyper;
    p->ports[i].ospeedr = g->ospeedr;
    p->ports[i].pupdr = g->pupdr;
    p->ports[i].odr = g->odr;
    memcpy(p->ports[i].afr, g->afr, sizeof g->afr);
  }
}

static void take_picture(const struct rig *r, struct picture *p) {
  enum { CSR = 0x74 / 4 };
  const struct machine *m = r->m;
  const struct quadspi *q = &m->quadspi;
  const uint32_t quadspi[8] = {q->cr, q->dcr, q->dlr, q->ccr,
                               q->ar, q->abr, q->pir, q->lptr};
  const uint32_t flash[3] = {m->flash.acr, m->flash.sr, m->flash.cr};
  memset(p, 0, sizeof *p);
  memcpy(p->rcc, m->rcc.r, sizeof p->rcc);
  p->rcc[CSR] &=
      3u;  // LSI; the rest are the reset flags, which the application may see
  memcpy(p->pwr, m->pwr.r, sizeof p->pwr);
  memcpy(p->syscfg, m->syscfg.r, sizeof p->syscfg);
  memcpy(p->usart, m->chip.uart[0].r, sizeof p->usart);
  picture_ports(m, p);
  memcpy(p->otg_hs, m->otg_hs.reg, sizeof p->otg_hs);
  memcpy(p->otg_fs, m->otg_fs.reg, sizeof p->otg_fs);
  memcpy(p->quadspi, quadspi, sizeof quadspi);
  memcpy(p->flash, flash, sizeof flash);
  picture_core(m, p);
}

#define SAME(part) assert_memory_equal(found.part, fresh->part, sizeof found.part)

static void expect_as_after_reset(struct rig *r, const struct picture *fresh) {
  static struct picture found;
  take_picture(r, &found);
  SAME(rcc);
  SAME(pwr);
  SAME(syscfg);
  SAME(usart);
  SAME(ports);
  SAME(otg_hs);
  SAME(otg_fs);
  SAME(quadspi);
  SAME(flash);
  SAME(nvic);
  SAME(scs);
  SAME(mpu);
  assert_int_equal(r->m->scs.vtor, APPLICATION);
  assert_int_equal(cpu_register(r->m->cpu, 13), STACK);
  assert_int_equal(cpu_register(r->m->cpu, 16) & 0x1FF, 0);  // thread mode
  assert_int_equal(rcc_hz(&r->m->rcc, CLOCK_SYSCLK), 16000000);
}

static struct picture fresh;

// Power on, before the first instruction.
static void switch_on(struct rig *r) {
  rig_power_on(r);
  take_picture(r, &fresh);
}

static void after_power_on(void **state) {
  struct rig *r = *state;
  plant(r, STACK, ENTRY);
  switch_on(r);
  assert_true(application_starts(r));
  expect_as_after_reset(r, &fresh);
  rig_run(r, VT_MS(100));
  assert_int_equal(r->uart_length, 0);
  assert_int_equal(r->m->resets, 1);
  // The way to the application costs nobody a noticeable moment.
  assert_true(r->m->marks.app_start - r->m->marks.reset < VT_MS(1));
}

static void after_the_reset_pin(void **state) {
  struct rig *r = *state;
  plant(r, STACK, ENTRY);
  switch_on(r);
  rig_run(r, VT_MS(10));
  machine_reset_pin(r->m);
  assert_true(application_starts(r));
  expect_as_after_reset(r, &fresh);
}

// The whole session before it: 216 MHz, both flashes used, USB.
static void after_a_session(void **state) {
  struct rig *r = *state;
  plant(r, STACK, ENTRY);
  machine_button(r->m, true);
  switch_on(r);
  rig_configure(r);
  dfu_expect_usable(r);
  const vtime_t start = machine_now(r->m);
  assert_int_equal(dfu_dnload(r, 2, NULL, 0), 0);
  assert_int_equal(dfu_status(r).state, MANIFEST);
  while (!application_runs(r) && machine_now(r->m) < start + VT_S(1))
    rig_run(r, VT_US(50));
  assert_true(application_runs(r));  // though the button is still held
  expect_as_after_reset(r, &fresh);
  assert_in_range((machine_now(r->m) - start) / VT_MS(1), 20, 200);
  assert_true(r->m->usb.state < USB_HOST_ATTACHED);  // the host saw it go
  // And only once: the next reset finds no request.
  r->uart_length = 0;
  machine_reset_pin(r->m);
  assert_false(application_starts(r));
  expect_reason(r, "button held");
}

// fwupd and dfu-util ask for the status that says dfuMANIFEST, and then close.
static void leaving_answers_before_it_goes(void **state) {
  struct rig *r = *state;
  plant(r, STACK, ENTRY);
  machine_button(r->m, true);
  switch_on(r);
  rig_configure(r);
  assert_int_equal(dfu_set_address(r, EXTERNAL).state, DNLOAD_IDLE);  // ignored
  assert_int_equal(dfu_dnload(r, 0, NULL, 0), 0);
  const struct reply s = dfu_status(r);
  assert_int_equal(s.state, MANIFEST);
  assert_in_range(s.poll_ms, 1, 20);
  rig_run(r, VT_MS(s.poll_ms));
  assert_int_equal(dfu_status(r).state, MANIFEST);
  rig_run(r, VT_MS(200));
  assert_true(application_runs(r));
}

static void leaving_without_an_application(void **state) {
  struct rig *r = *state;
  switch_on(r);
  rig_configure(r);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(dfu_dnload(r, 2, NULL, 0), 0);
    dfu_expect_error(r, ERR_FIRMWARE, 0,
                     "no valid application is installed; flash one first");
    rig_run(r, VT_MS(300));
    dfu_expect_usable(r);
  }
  assert_int_equal(r->m->resets, 1);
}

// --- who is started ------------------------------------------------------------

static void the_button_stays(void **state) {
  struct rig *r = *state;
  plant(r, STACK, ENTRY);
  machine_button(r->m, true);
  switch_on(r);
  assert_false(application_starts(r));
  expect_reason(r, "button held");
  rig_configure(r);
  dfu_expect_usable(r);
  machine_button(r->m, false);
  machine_reset_pin(r->m);
  assert_true(application_starts(r));
}

static uint32_t request(const struct rig *r) {
  return r->m->rtc.r[REQUEST_OFFSET / 4];
}

static void put_request(struct rig *r, uint32_t word) {
  r->m->rtc.r[REQUEST_OFFSET / 4] = word;
}

static const struct request_row {
  const char *what;
  uint32_t word;
  bool application, button;  // valid, held
  bool starts;
  const char *reason;
} request_rows[] = {
    {"stay", REQUEST_STAY, true, false, false, "the application asked for it"},
    {"stay, button", REQUEST_STAY, true, true, false, "the application asked for it"},
    {"stay, none", REQUEST_STAY, false, false, false, "the application asked for it"},
    {"start", REQUEST_APP, true, false, true, NULL},
    {"start, button", REQUEST_APP, true, true, true, NULL},
    {"start, none", REQUEST_APP, false, false, false, "no valid application"},
    {"none", 0, true, false, true, NULL},
    {"none, button", 0, true, true, false, "button held"},
    {"none, none", 0, false, true, false, "no valid application"},
    {"noise", 0xFFFFFFFF, true, false, true, NULL},
    {"almost", REQUEST_STAY ^ 1, true, false, true, NULL},
};

static void requests(void **state) {
  struct rig *r = *state;
  for (size_t i = 0; i < sizeof request_rows / sizeof *request_rows; i++) {
    const struct request_row *row = &request_rows[i];
    plant(r, row->application ? STACK : 0, ENTRY);
    machine_button(r->m, row->button);
    rig_power_on(r);
    rig_run(r, VT_US(10));
    put_request(r, row->word);
    r->uart_length = 0;
    machine_reset_pin(r->m);
    if (application_starts(r) != row->starts) fail_msg("%s", row->what);
    if (row->reason) expect_reason(r, row->reason);
    // A request counts once; a word that is none of ours is left alone.
    const bool ours = row->word == REQUEST_STAY || row->word == REQUEST_APP;
    assert_int_equal(request(r), ours ? 0 : row->word);
    machine_power_cut(r->m);
    rig_run(r, VT_MS(20));
  }
}

static const struct {
  uint32_t stack, reset;
  bool valid;
} vectors[] = {
    {0x20020000, 0x08010009, true},
    {0x20080000, 0x08010009, true},  // the end of SRAM2
    {0x20000400, 0x08010009, true},
    {0x20020000, 0x080101F9, true},
    {0x20020000, 0x08200000 - 3, true},  // the last word
    {0x00000000, 0x08010009, false},
    {0xFFFFFFFF, 0x08010009, false},
    {0xFFFFFFFF, 0xFFFFFFFF, false},  // blank
    {0x00000000, 0x00000000, false},
    {0x20020001, 0x08010009, false},  // odd
    {0x20020002, 0x08010009, false},
    {0x1FFFFFFC, 0x08010009, false},
    {0x20000000, 0x08010009, false},  // the first push would leave the RAM
    {0x20080004, 0x08010009, false},
    {0x08010000, 0x08010009, false},
    {0x20020000, 0x08010008, false},  // not Thumb
    {0x20020000, 0x00000000, false},
    {0x20020000, 0xFFFFFFFF, false},
    {0x20020000, 0x08000009, false},  // the bootloader
    {0x20020000, 0x08008001, false},  // its log
    {0x20020000, 0x0800FFFF, false},
    {0x20020000, 0x08010001, false},  // the vectors themselves
    {0x20020000, 0x08010007, false},
    {0x20020000, 0x08200001, false},
    {0x20020000, 0x20020001, false},  // RAM
    {0x20020000, 0x90000001, false},  // QSPI
    {0x20020000, 0x00210009, false},  // the same place by its ITCM name
};

static void applications_that_cannot_be(void **state) {
  struct rig *r = *state;
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    plant(r, vectors[i].stack, vectors[i].reset);
    rig_power_on(r);
    if (application_starts(r) != vectors[i].valid) {
      fail_msg("stack %08x, reset %08x", (unsigned)vectors[i].stack,
               (unsigned)vectors[i].reset);
    }
    if (!vectors[i].valid) expect_reason(r, "no valid application");
    machine_power_cut(r->m);
    rig_run(r, VT_MS(20));
  }
}

// --- a damaged core ------------------------------------------------------------

// The compressed core is the end of the image; behind it there are at most three zeros.
static uint8_t *image_end(struct rig *r) {
  uint8_t *p = r->m->flash_bytes + 0x8000;
  while (p[-1] == 0xFF)
    p--;
  return p;
}

// Of any output: the lamp is the only one.
static unsigned lamp_changes(struct rig *r, vtime_t time) {
  uint32_t before = 0;
  unsigned changes = 0;
  for (const vtime_t end = machine_now(r->m) + time; machine_now(r->m) < end;) {
    rig_run(r, VT_MS(5));
    uint32_t now = 0;
    for (unsigned i = 0; i < MACHINE_PORTS; i++)
      now |= r->m->gpio[i].odr;
    if (now != before) changes++;
    before = now;
  }
  return changes;
}

// A turned bit near the end of the stream, in its middle, near its beginning: no core,
// no reset again and again, but the lamp. An application is started all the same.
static void a_damaged_core_is_not_entered(void **state) {
  struct rig *r = *state;
  uint8_t *const end = image_end(r);
  for (unsigned i = 0; i < 3; i++) {
    uint8_t *const at = end - 8 - i * 8000;
    *at ^= 0x10;
    rig_power_on(r);
    const uint64_t resets = r->m->resets;
    rig_run(r, VT_MS(500));
    assert_true(r->m->marks.usb_connect == VT_NEVER);
    assert_int_equal(r->uart_length, 0);
    assert_in_range(lamp_changes(r, VT_S(1)), 2, 20);
    assert_int_equal(r->m->resets, resets);
    machine_power_cut(r->m);
    rig_run(r, VT_MS(20));
    plant(r, STACK, ENTRY);
    rig_power_on(r);
    assert_true(application_starts(r));
    plant(r, 0, ENTRY);
    machine_power_cut(r->m);
    rig_run(r, VT_MS(20));
    *at ^= 0x10;
  }
}

// --- watchdog ------------------------------------------------------------------

// As an application leaves it that jumped here: running, at its shortest-lived
// setting but one (RM0410 30.4.2: /4 and 4096 are 512 ms at 32 kHz).
static void start_watchdog(struct rig *r, uint32_t prescaler) {
  iwdg_write(&r->m->iwdg, 0, 4, 0x5555);
  iwdg_write(&r->m->iwdg, 4, 4, prescaler);
  rig_run(r, VT_MS(5));
  iwdg_write(&r->m->iwdg, 0, 4, 0xCCCC);
  assert_true(r->m->iwdg.running);
}

static void the_watchdog_is_fed(void **state) {
  struct rig *r = *state;
  start_watchdog(r, 0);
  rig_run(r, VT_S(12));
  assert_int_equal(dfu_status(r).state, IDLE);
  assert_int_equal(usb_host_suspend(&r->m->usb), 0);
  rig_run(r, VT_S(3));
  assert_int_equal(usb_host_resume(&r->m->usb), 0);
  rig_run(r, VT_MS(50));
  usb_host_unplug(&r->m->usb);
  rig_run(r, VT_S(3));
  rig_configure(r);
  assert_int_equal(r->m->resets, 1);
}

// The longest erases of each medium, a mass erase, and downloads.
static void the_watchdog_survives_flash_work(void **state) {
  struct rig *r = *state;
  start_watchdog(r, 0);
  assert_int_equal(dfu_erase(r, 0x08040000).state, DNLOAD_IDLE);
  assert_int_equal(dfu_erase(r, EXTERNAL).state, DNLOAD_IDLE);
  dfu_abort(r);
  dfu_expect_usable(r);
  r->m->flash_bytes[0x080000] = r->m->flash_bytes[0x140000] = 0;
  assert_int_equal(dfu_mass_erase(r).state, DNLOAD_IDLE);
  dfu_abort(r);
  assert_int_equal(r->m->resets, 1);
}

// On the way out the watchdog is fed too, and the application inherits it running
// only where it would after a reset: a reset by software stops it.
static void the_watchdog_survives_leaving(void **state) {
  struct rig *r = *state;
  plant(r, STACK, ENTRY);
  start_watchdog(r, 0);
  assert_int_equal(dfu_dnload(r, 2, NULL, 0), 0);
  assert_int_equal(dfu_status(r).state, MANIFEST);
  rig_run(r, VT_MS(200));
  assert_true(application_runs(r));
  assert_int_equal(r->m->resets, 2);
}

#define OFF(board, function) RIG_TEST(board, function, rig_setup_off)

int main(void) {
  const struct CMUnitTest tests[] = {
      OFF(HS, after_power_on),
      OFF(FS, after_power_on),
      OFF(HS, after_the_reset_pin),
      OFF(FS, after_the_reset_pin),
      OFF(HS, after_a_session),
      OFF(FS, after_a_session),
      OFF(HS, leaving_answers_before_it_goes),
      OFF(FS, leaving_answers_before_it_goes),
      OFF(HS, leaving_without_an_application),
      OFF(FS, leaving_without_an_application),
      OFF(HS, the_button_stays),
      OFF(FS, the_button_stays),
      OFF(HS, requests),
      OFF(FS, requests),
      OFF(HS, applications_that_cannot_be),
      OFF(FS, applications_that_cannot_be),
      OFF(HS, a_damaged_core_is_not_entered),
      OFF(FS, a_damaged_core_is_not_entered),
      RIG_BOTH(the_watchdog_is_fed),
      RIG_BOTH(the_watchdog_survives_flash_work),
      RIG_BOTH(the_watchdog_survives_leaving),
  };
  return cmocka_run_group_tests_name("handover", tests, NULL, NULL);
}
