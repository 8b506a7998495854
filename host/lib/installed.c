// SPDX-License-Identifier: MIT
#include "host/lib/installed.h"

#include "host/lib/job.h"

void installed_read(struct dfuc *client, const struct usb_board *b,
                    struct installed *out) {
  const struct job_events quiet = {.ctx = NULL};
  uint8_t bytes[VECTORS_SIZE];
  struct qb_error ignored;
  struct job j;
  *out = (struct installed){.address = 0};
  if (!plan_application_address(b, &out->address)) return;
  const struct usb_board_alternate *a = usb_board_alternate_at(b, out->address, -1);
  job_init(&j, client, &quiet);
  out->known =
      job_read(&j, a->number, out->address, bytes, sizeof bytes, &ignored) == JOB_DONE;
  if (!out->known) return;
  out->vectors = vectors_load(bytes);
  out->present = vectors_fit(&out->vectors, out->address);
}
