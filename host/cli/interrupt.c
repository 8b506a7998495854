// SPDX-License-Identifier: MIT
#include "host/cli/interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "host/cli/cli.h"

// The only state outside the stack: a signal handler has no other way.
static atomic_int interrupted;

// The first asks every board to stop at a good place; the second ends at once. But a
// terminal that is closed may tell so twice by itself.
static void on_signal(int number) {
  const int before = atomic_exchange(&interrupted, number);
  if (!before || number == SIGHUP) return;
  static const char sentence[] =
      "quadboot: ended at once, wherever the board was; run the same command again\n";
  if (write(STDERR_FILENO, sentence, sizeof sentence - 1) < 0) _exit(CLI_FAILED);
  _exit(128 + number);
}

void interrupt_catch(void) {
  const struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGHUP, &action, NULL);
  // Whoever reads our output may go; the boards are to be finished all the same.
  signal(SIGPIPE, SIG_IGN);
}

bool interrupt_came(void) {
  return interrupted != 0;
}
