// SPDX-License-Identifier: MIT
#include "host/cli/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *cli_json_text(const char *text) {
  json_t *string = json_string(text);
  if (string) return string;
  char *ascii = strdup(text);
  if (!ascii) return json_null();
  for (char *p = ascii; *p; p++) {
    if ((unsigned char)*p >= 0x80) *p = '?';
  }
  string = json_string(ascii);
  free(ascii);
  return string;
}

void cli_put_json(json_t *object) {
  json_dumpf(object, stdout, JSON_COMPACT);
  putchar('\n');
  fflush(stdout);
  json_decref(object);
}
