// SPDX-License-Identifier: MIT
#include "tests/unit/firmware/usb/dfu_model.h"

#include <stddef.h>
#include <string.h>

#define INTERNAL 0x08000000u
#define NOR      0x90000000u
#define APP      0x08010000u

// bState and bStatus.
enum {
  S_IDLE = 2,
  S_SYNC = 3,
  S_BUSY = 4,
  S_DNLOAD_IDLE = 5,
  S_MANIFEST_SYNC = 6,
  S_MANIFEST = 7,
  S_UPLOAD_IDLE = 9,
  S_ERROR = 10,

  E_TARGET = 1,
  E_FIRMWARE = 10,
  E_VENDOR = 11,
  E_UNKNOWN = 14,
  E_STALLED = 15,
};

static bool is_command(const struct model_work *w) {
  return w->job != JOB_NONE && w->job != JOB_WRITE;
}

// --- the flash ---

// The byte at an address; `left`: bytes to the medium's end. NULL outside.
static uint8_t *flash_at(struct model *m, uint32_t address, uint32_t *left) {
  if (address >= INTERNAL && address < INTERNAL + MODEL_INTERNAL_SIZE) {
    *left = INTERNAL + MODEL_INTERNAL_SIZE - address;
    return m->internal + (address - INTERNAL);
  }
  if (address >= NOR && address < NOR + MODEL_NOR_SIZE) {
    *left = NOR + MODEL_NOR_SIZE - address;
    return m->nor + (address - NOR);
  }
  *left = 0;
  return NULL;
}

static bool is_end(uint32_t address) {
  return address == INTERNAL + MODEL_INTERNAL_SIZE || address == NOR + MODEL_NOR_SIZE;
}

static bool is_quadboot(uint32_t address) {
  return address >= INTERNAL && address < INTERNAL + MODEL_KEPT;
}

static void erase_block(struct model *m, uint32_t address) {
  if (address >= NOR) {
    memset(m->nor + ((address - NOR) & ~4095u), 0xFF, 4096);
  } else if (address < INTERNAL + 0x20000) {
    memset(m->internal + ((address - INTERNAL) & ~0x7FFFu), 0xFF, 0x8000);
  } else {
    memset(m->internal + 0x20000, 0xFF, 0x20000);
  }
}

static void write_block(struct model *m, const struct model_work *w) {
  uint32_t left;
  memcpy(flash_at(m, w->address, &left), w->data, w->length);
}

static uint32_t word(const uint8_t *p) {
  return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool app_is_valid(struct model *m) {
  uint32_t left;
  const uint8_t *p = flash_at(m, APP, &left);
  const uint32_t stack = word(p), reset = word(p + 4);
  return stack > 0x20000000 && stack <= 0x20080000 && stack % 4 == 0 &&
         reset % 2 == 1 && reset >= APP + 8 && reset < INTERNAL + MODEL_INTERNAL_SIZE;
}

// --- states ---

static void enter_error(struct model *m, int status) {
  m->state = S_ERROR;
  m->status = status;
  m->leaving = false;
  if (is_command(&m->waiting)) m->waiting.job = JOB_NONE;
}

static void enter_idle(struct model *m) {
  m->state = S_IDLE;
  m->status = 0;
  m->leaving = false;
  if (is_command(&m->waiting)) m->waiting.job = JOB_NONE;
}

static bool refuse(struct model *m) {
  if (m->state != S_ERROR) enter_error(m, E_STALLED);
  return false;
}

bool model_set_interface(struct model *m, int alternate) {
  if (alternate > 1) return false;
  m->alternate = alternate;
  m->pointer = alternate ? NOR : APP;
  enter_idle(m);
  return true;
}

void model_reset(struct model *m) {
  model_set_interface(m, 0);
}

// --- requests ---

static enum model_job command_of(const uint8_t *data, uint32_t length) {
  if (data[0] == 0x21 && length == 5) return JOB_SET_ADDRESS;
  if (data[0] == 0x41 && length == 5) return JOB_ERASE;
  if (data[0] == 0x41 && length == 1) return JOB_MASS_ERASE;
  return data[0] == 0x92 ? JOB_READ_UNPROTECT : JOB_BAD;
}

bool model_dnload(struct model *m, uint16_t block, const uint8_t *data,
                  uint32_t length) {
  if (m->state != S_IDLE && m->state != S_DNLOAD_IDLE) return refuse(m);
  if (length == 0) {
    m->leaving = true;
    m->state = S_MANIFEST_SYNC;
    return true;
  }
  if (length > 4096 || block == 1 || m->waiting.job == JOB_WRITE) return refuse(m);
  struct model_work *w = &m->waiting;
  w->armed = false;
  w->length = length;
  memcpy(w->data, data, length);
  if (block == 0) {
    w->job = command_of(data, length);
    w->address = length == 5 ? word(data + 1) : 0;
  } else {
    w->job = JOB_WRITE;
    w->address = m->pointer + (uint32_t)(block - 2) * 4096;
  }
  m->state = S_SYNC;
  return true;
}

static bool upload_flash(struct model *m, uint16_t block, uint32_t length,
                         const uint8_t **data, uint32_t *given) {
  if (m->upload_size == 0) m->upload_size = length;
  const uint32_t address = m->pointer + (uint32_t)(block - 2) * m->upload_size;
  uint32_t left;
  *data = flash_at(m, address, &left);
  *given = left < length ? left : length;
  if (*data || is_end(address)) return true;
  enter_error(m, E_TARGET);
  return false;
}

bool model_upload(struct model *m, uint16_t block, uint32_t length,
                  const uint8_t **data, uint32_t *given) {
  static const uint8_t commands[3] = {0x00, 0x21, 0x41};
  if (m->state != S_IDLE && m->state != S_UPLOAD_IDLE) return refuse(m);
  if (length == 0 || length > 4096 || block == 1) return refuse(m);
  if (m->state == S_IDLE) m->upload_size = 0;
  if (block == 0) {
    *data = commands;
    *given = length < 3 ? length : 3;
  } else if (!upload_flash(m, block, length, data, given)) {
    return false;
  }
  m->state = *given == length ? S_UPLOAD_IDLE : S_IDLE;
  return true;
}

bool model_clrstatus(struct model *m) {
  if (m->state == S_ERROR) {
    enter_idle(m);
  } else {
    enter_error(m, E_UNKNOWN);
  }
  return true;
}

bool model_abort(struct model *m) {
  if (m->state == S_BUSY || m->state == S_MANIFEST || m->state == S_ERROR) {
    return refuse(m);
  }
  enter_idle(m);
  return true;
}

bool model_detach(struct model *m) {
  return refuse(m);
}

// --- GETSTATUS ---

static void tell_failure(struct model *m) {
  if (m->failure == 0) return;
  enter_error(m, m->failure);
  m->failure = 0;
}

// Behind the last of the data: only "busy" or the end.
static void manifest(struct model *m, bool busy) {
  if (busy) {
    m->state = S_BUSY;
  } else if (app_is_valid(m)) {
    m->state = S_MANIFEST;
  } else {
    enter_error(m, E_FIRMWARE);
  }
}

bool model_getstatus(struct model *m, bool busy) {
  const bool waits = m->waiting.job != JOB_NONE;
  const bool in_work =
      m->state == S_SYNC || m->state == S_BUSY || m->state == S_MANIFEST_SYNC;
  if (m->state == S_ERROR || m->state == S_MANIFEST) return !busy;
  if (!in_work || (m->state == S_BUSY && m->failure)) {
    if (!in_work || !waits || m->failure) tell_failure(m);
    return !busy;
  }
  if (busy && !waits && !m->failure && !m->unsettled) return false;
  if (!busy && m->state == S_MANIFEST_SYNC && m->failure) {
    tell_failure(m);  // it came while the reply was held
    return true;
  }
  if (!busy && (waits || m->failure)) return false;
  if (m->state == S_MANIFEST_SYNC || m->leaving) {
    manifest(m, busy);
  } else {
    m->state = busy ? S_BUSY : S_DNLOAD_IDLE;
  }
  return true;
}

void model_answered(struct model *m) {
  if (m->state == S_BUSY && is_command(&m->waiting)) m->waiting.armed = true;
  if (m->state == S_MANIFEST) m->leave = true;
}

// --- work ---

// Why a job cannot be, as a bStatus; 0 when it can.
static int objection(struct model *m, const struct model_work *w) {
  uint32_t left;
  const bool inside = flash_at(m, w->address, &left) != NULL;
  switch (w->job) {
    case JOB_SET_ADDRESS: return inside || is_end(w->address) ? 0 : E_TARGET;
    case JOB_ERASE: return inside && !is_quadboot(w->address) ? 0 : E_TARGET;
    case JOB_WRITE:
      return inside && w->length <= left && !is_quadboot(w->address) ? 0 : E_TARGET;
    case JOB_BAD: return E_STALLED;
    case JOB_READ_UNPROTECT: return E_VENDOR;
    default: return 0;
  }
}

static void mass_erase(struct model *m) {
  if (m->alternate == 1) {
    memset(m->nor, 0xFF, MODEL_NOR_SIZE);
  } else {
    memset(m->internal + MODEL_KEPT, 0xFF, MODEL_INTERNAL_SIZE - MODEL_KEPT);
  }
}

bool model_take(struct model *m) {
  const struct model_work *w = &m->waiting;
  const int status = objection(m, w);
  if (is_command(w) && !w->armed) return false;
  if (status && m->failure == 0) m->failure = status;
  if (!status) {
    if (w->job == JOB_SET_ADDRESS) m->pointer = w->address;
    if (w->job == JOB_ERASE) erase_block(m, w->address);
    if (w->job == JOB_WRITE) write_block(m, w);
    if (w->job == JOB_MASS_ERASE) mass_erase(m);
    m->unsettled |= w->job != JOB_SET_ADDRESS;
  }
  m->waiting.job = JOB_NONE;
  return true;
}

void model_fail(struct model *m, int fault) {
  if (m->failure == 0) m->failure = fault;
  if (m->waiting.job == JOB_WRITE) m->waiting.job = JOB_NONE;
}
