// SPDX-License-Identifier: MIT
#include "common/base/status.h"

const char *status_sentence(enum status s) {
  switch (s) {
#define X(name, number, sentence) \
  case ST_##name: return sentence;
    STATUS_LIST(X)
#undef X
  }
  return "unknown status";
}
