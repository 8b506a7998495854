// SPDX-License-Identifier: MIT
// Last of the libraries that LD_PRELOAD names: this process has them by now, its
// children shall not.
#include <stdlib.h>

__attribute__((constructor)) static void keep_from_children(void) {
  unsetenv("LD_PRELOAD");
}
