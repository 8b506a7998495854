// SPDX-License-Identifier: MIT
#include "common/protocol/modem.h"

const char *modem_end_sentence(enum modem_end end) {
  switch (end) {
#define X(name, number, sentence) \
  case MODEM_END_##name: return sentence;
    MODEM_END_LIST(X)
#undef X
  }
  return "the transfer ended in an unknown way";
}
