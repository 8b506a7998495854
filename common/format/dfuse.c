// SPDX-License-Identifier: MIT
#include "common/format/dfuse.h"

#include "common/base/crc32.h"

static const uint8_t file_signature[5] = {'D', 'f', 'u', 'S', 'e'};
static const uint8_t target_signature[6] = {'T', 'a', 'r', 'g', 'e', 't'};
static const uint8_t suffix_signature[3] = {'U', 'F', 'D'};

#define CRC_SIZE 4u  // dwCRC, the file's last bytes, is not part of itself

const char *dfuse_status_text(enum dfuse_status status) {
  static const char *const texts[] = {
#define X(name, number, text) [DFUSE_##name] = (text),
      DFUSE_STATUS_LIST(X)
#undef X
  };
  if ((size_t)status >= sizeof texts / sizeof texts[0]) return "has an unknown defect";
  return texts[status];
}

bool dfuse_begins(const uint8_t *bytes, size_t n) {
  return n >= sizeof file_signature &&
         memcmp(bytes, file_signature, sizeof file_signature) == 0;
}

// ---- One part at a time ----------------------------------------------------

static bool take_signature(struct rd *r, const uint8_t *signature, size_t n) {
  const uint8_t *p = rd_bytes(r, n);
  return p && memcmp(p, signature, n) == 0;
}

// True if `size` bytes at `address` end at or before 2^32.
static bool fits_address_space(uint32_t address, uint32_t size) {
  return (uint64_t)address + size <= (uint64_t)1 << 32;
}

enum dfuse_status dfuse_decode_prefix(struct rd *r, struct dfuse_prefix *out) {
  struct dfuse_prefix prefix;
  const bool signature = take_signature(r, file_signature, sizeof file_signature);
  const uint8_t version = rd_u8(r);
  prefix.image_size = rd_le32(r);
  prefix.targets = rd_u8(r);
  if (r->bad) return DFUSE_TRUNCATED;
  if (!signature) return DFUSE_BAD_SIGNATURE;
  if (version != DFUSE_FILE_VERSION) return DFUSE_BAD_VERSION;
  *out = prefix;
  return DFUSE_OK;
}

enum dfuse_status dfuse_decode_target(struct rd *r, struct dfuse_target *out) {
  struct dfuse_target target = {.name = ""};
  const bool signature = take_signature(r, target_signature, sizeof target_signature);
  target.alternate_setting = rd_u8(r);
  const bool named = rd_le32(r) != 0;
  const uint8_t *name = rd_bytes(r, DFUSE_NAME_SIZE);
  target.size = rd_le32(r);
  target.elements = rd_le32(r);
  if (r->bad) return DFUSE_TRUNCATED;
  if (!signature) return DFUSE_BAD_TARGET_SIGNATURE;
  if (named) memcpy(target.name, name, DFUSE_NAME_SIZE);
  *out = target;
  return DFUSE_OK;
}

enum dfuse_status dfuse_decode_element(struct rd *r, struct dfuse_element *out) {
  struct dfuse_element element;
  element.address = rd_le32(r);
  element.size = rd_le32(r);
  if (r->bad) return DFUSE_TRUNCATED;
  if (!fits_address_space(element.address, element.size)) return DFUSE_ELEMENT_WRAP;
  *out = element;
  return DFUSE_OK;
}

enum dfuse_status dfuse_decode_suffix(struct rd *r, struct dfuse_suffix *out) {
  struct dfuse_suffix suffix;
  suffix.bcd_device = rd_le16(r);
  suffix.product = rd_le16(r);
  suffix.vendor = rd_le16(r);
  const uint16_t bcd_dfu = rd_le16(r);
  const bool signature = take_signature(r, suffix_signature, sizeof suffix_signature);
  const uint8_t length = rd_u8(r);
  suffix.crc = rd_le32(r);
  if (r->bad) return DFUSE_TRUNCATED;
  if (!signature) return DFUSE_NO_SUFFIX;
  if (length != DFUSE_SUFFIX_SIZE) return DFUSE_BAD_SUFFIX_LENGTH;
  *out = suffix;
  return bcd_dfu == DFUSE_BCD_DFU ? DFUSE_OK : DFUSE_PLAIN_SUFFIX;
}

// ---- A whole file in memory ------------------------------------------------

static enum dfuse_status step_target(struct dfuse_reader *r, struct dfuse_target *out) {
  if (r->targets_left == 0) return r->body.left ? DFUSE_BAD_TARGET_COUNT : DFUSE_END;
  const enum dfuse_status status = dfuse_decode_target(&r->body, out);
  if (status == DFUSE_TRUNCATED) return DFUSE_BAD_TARGET_COUNT;
  if (status != DFUSE_OK) return status;
  const uint8_t *elements = rd_bytes(&r->body, out->size);
  if (!elements) return DFUSE_BAD_TARGET_SIZE;
  r->target = (struct rd){.p = elements, .left = out->size};
  r->elements_left = out->elements;
  r->targets_left--;
  return DFUSE_OK;
}

static enum dfuse_status step_element(struct dfuse_reader *r, struct dfuse_element *out,
                                      const uint8_t **data) {
  if (r->elements_left == 0) return r->target.left ? DFUSE_BAD_TARGET_SIZE : DFUSE_END;
  const enum dfuse_status status = dfuse_decode_element(&r->target, out);
  if (status == DFUSE_TRUNCATED) return DFUSE_BAD_TARGET_SIZE;
  if (status != DFUSE_OK) return status;
  *data = rd_bytes(&r->target, out->size);
  if (!*data) return DFUSE_BAD_ELEMENT_SIZE;
  r->elements_left--;
  return DFUSE_OK;
}

bool dfuse_next_target(struct dfuse_reader *reader, struct dfuse_target *out) {
  return step_target(reader, out) == DFUSE_OK;
}

bool dfuse_next_element(struct dfuse_reader *reader, struct dfuse_element *out,
                        const uint8_t **data) {
  return step_element(reader, out, data) == DFUSE_OK;
}

// Visits the current target's elements. DFUSE_END: all of them are sound.
static enum dfuse_status survey_elements(struct dfuse_reader *r,
                                         struct dfuse_summary *summary) {
  uint64_t end = 0;
  struct dfuse_element element;
  const uint8_t *data;
  enum dfuse_status status;
  while ((status = step_element(r, &element, &data)) == DFUSE_OK) {
    if (element.address < end) summary->ascending = false;
    end = (uint64_t)element.address + element.size;
    summary->elements++;
    summary->data_bytes += element.size;
  }
  return status;
}

// Visits every target. The reader is a copy: the caller's stays at the start.
static enum dfuse_status survey_targets(struct dfuse_reader r,
                                        struct dfuse_summary *summary) {
  struct dfuse_target target;
  enum dfuse_status status;
  while ((status = step_target(&r, &target)) == DFUSE_OK) {
    status = survey_elements(&r, summary);
    if (status != DFUSE_END) return status;
    summary->targets++;
  }
  return status == DFUSE_END ? DFUSE_OK : status;
}

static enum dfuse_status check_image_size(const struct dfuse_prefix *prefix,
                                          size_t file_size,
                                          struct dfuse_summary *summary) {
  if (prefix->image_size == file_size - DFUSE_SUFFIX_SIZE) {
    summary->size_style = DFUSE_SIZE_WITHOUT_SUFFIX;
    return DFUSE_OK;
  }
  summary->size_style = DFUSE_SIZE_WITH_SUFFIX;
  return prefix->image_size == file_size ? DFUSE_OK : DFUSE_BAD_IMAGE_SIZE;
}

// First whether it is such a file at all and whole (prefix, suffix, CRC), then
// whether it was made right: so a damaged file is called damaged.
enum dfuse_status dfuse_open(struct dfuse_reader *reader, const uint8_t *file,
                             size_t size, struct dfuse_summary *summary) {
  struct rd r = {.p = file, .left = size};
  struct dfuse_prefix prefix;
  enum dfuse_status status = dfuse_decode_prefix(&r, &prefix);
  if (status != DFUSE_OK) return status;
  if (r.left < DFUSE_SUFFIX_SIZE) return DFUSE_TRUNCATED;

  const struct rd body = {.p = r.p, .left = r.left - DFUSE_SUFFIX_SIZE};
  struct rd tail = {.p = body.p + body.left, .left = DFUSE_SUFFIX_SIZE};
  struct dfuse_summary found = {.ascending = true};
  status = dfuse_decode_suffix(&tail, &found.suffix);
  if (status != DFUSE_OK) return status;
  const uint32_t crc = crc32_update(CRC32_INIT, file, size - CRC_SIZE);
  if (crc != found.suffix.crc) return DFUSE_BAD_CRC;

  status = check_image_size(&prefix, size, &found);
  if (status != DFUSE_OK) return status;
  const struct dfuse_reader start = {.body = body, .targets_left = prefix.targets};
  status = survey_targets(start, &found);
  if (status != DFUSE_OK) return status;
  *reader = start;
  *summary = found;
  return DFUSE_OK;
}

// ---- Building --------------------------------------------------------------

static bool name_fits(const char *name) {
  return memchr(name, '\0', DFUSE_NAME_SIZE) != NULL;
}

static enum dfuse_status check_target_plan(const struct dfuse_target_plan *target) {
  if (!name_fits(target->name)) return DFUSE_NAME_TOO_LONG;
  uint64_t end = 0;
  for (uint32_t i = 0; i < target->count; i++) {
    const struct dfuse_element_plan *e = &target->elements[i];
    if (!fits_address_space(e->address, e->size)) return DFUSE_ELEMENT_WRAP;
    if (e->address < end) return DFUSE_ELEMENT_ORDER;
    end = (uint64_t)e->address + e->size;
  }
  return DFUSE_OK;
}

// dwTargetSize. 64 bits hold it: fewer than 2^32 elements which follow one
// another in a 32-bit address space.
static uint64_t target_size(const struct dfuse_target_plan *target) {
  uint64_t size = (uint64_t)target->count * DFUSE_ELEMENT_PREFIX_SIZE;
  for (uint32_t i = 0; i < target->count; i++) {
    size += target->elements[i].size;
  }
  return size;
}

enum dfuse_status dfuse_plan_size(const struct dfuse_plan *plan, uint32_t *size) {
  if (plan->count > UINT8_MAX) return DFUSE_BAD_TARGET_COUNT;
  uint64_t total = DFUSE_PREFIX_SIZE + DFUSE_SUFFIX_SIZE;
  for (size_t i = 0; i < plan->count; i++) {
    const enum dfuse_status status = check_target_plan(&plan->targets[i]);
    if (status != DFUSE_OK) return status;
    total += DFUSE_TARGET_PREFIX_SIZE + target_size(&plan->targets[i]);
  }
  if (total > UINT32_MAX) return DFUSE_TOO_BIG;
  *size = (uint32_t)total;
  return DFUSE_OK;
}

static void encode_target(struct wr *w, const struct dfuse_target_plan *target) {
  char name[DFUSE_NAME_SIZE] = "";
  memcpy(name, target->name, strlen(target->name));
  wr_copy(w, target_signature, sizeof target_signature);
  wr_u8(w, target->alternate_setting);
  wr_le32(w, 1);  // bTargetNamed
  wr_copy(w, name, sizeof name);
  wr_le32(w, (uint32_t)target_size(target));
  wr_le32(w, target->count);
  for (uint32_t i = 0; i < target->count; i++) {
    wr_le32(w, target->elements[i].address);
    wr_le32(w, target->elements[i].size);
    wr_copy(w, target->elements[i].data, target->elements[i].size);
  }
}

static void encode_suffix_before_crc(struct wr *w, const struct dfuse_plan *plan) {
  wr_le16(w, plan->bcd_device);
  wr_le16(w, plan->product);
  wr_le16(w, plan->vendor);
  wr_le16(w, DFUSE_BCD_DFU);
  wr_copy(w, suffix_signature, sizeof suffix_signature);
  wr_u8(w, DFUSE_SUFFIX_SIZE);
}

enum dfuse_status dfuse_build(const struct dfuse_plan *plan, uint8_t *out,
                              size_t room) {
  uint32_t size = 0;
  const enum dfuse_status status = dfuse_plan_size(plan, &size);
  if (status != DFUSE_OK) return status;
  if (size > room) return DFUSE_NO_ROOM;
  struct wr w = {.p = out, .left = size};
  wr_copy(&w, file_signature, sizeof file_signature);
  wr_u8(&w, DFUSE_FILE_VERSION);
  wr_le32(&w, size - DFUSE_SUFFIX_SIZE);
  wr_u8(&w, (uint8_t)plan->count);
  for (size_t i = 0; i < plan->count; i++) {
    encode_target(&w, &plan->targets[i]);
  }
  encode_suffix_before_crc(&w, plan);
  wr_le32(&w, crc32_update(CRC32_INIT, out, size - CRC_SIZE));
  return DFUSE_OK;
}
