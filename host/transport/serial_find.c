// SPDX-License-Identifier: MIT
#include "host/transport/serial_find.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct serial_paths serial_linux = {.ports = "/sys/class/tty", .nodes = "/dev"};

// An attribute of the USB device that a port belongs to: "device" leads to its
// interface, and the device is the folder around it. "" if there is none.
static void read_text(const struct serial_paths *p, const char *port, const char *name,
                      char out[SERIAL_TEXT_ROOM]) {
  char path[SERIAL_PATH_ROOM + SERIAL_TEXT_ROOM];
  out[0] = '\0';
  snprintf(path, sizeof path, "%s/%s/device/../%s", p->ports, port, name);
  FILE *f = fopen(path, "r");
  if (!f) return;
  if (!fgets(out, SERIAL_TEXT_ROOM, f)) out[0] = '\0';
  fclose(f);
  out[strcspn(out, "\n")] = '\0';
}

static uint16_t read_id(const struct serial_paths *p, const char *port,
                        const char *name) {
  char text[SERIAL_TEXT_ROOM];
  read_text(p, port, name, text);
  return (uint16_t)strtoul(text, NULL, 16);
}

static void add_port(const struct serial_paths *p, const char *name,
                     struct serial_ports *out) {
  char vendor[SERIAL_TEXT_ROOM];
  if (out->count == SERIAL_PORTS_MAX) return;
  read_text(p, name, "idVendor", vendor);
  if (!vendor[0]) return;  // not of USB
  struct serial_port *port = &out->items[out->count++];
  *port = (struct serial_port){.path = ""};
  snprintf(port->path, sizeof port->path, "%s/%.64s", p->nodes, name);
  read_text(p, name, "product", port->product);
  read_text(p, name, "serial", port->serial);
  port->vendor = read_id(p, name, "idVendor");
  port->product_id = read_id(p, name, "idProduct");
}

static int by_path(const void *a, const void *b) {
  return strcmp(((const struct serial_port *)a)->path,
                ((const struct serial_port *)b)->path);
}

void serial_find(const struct serial_paths *p, struct serial_ports *out) {
  out->count = 0;
  DIR *folder = opendir(p->ports);
  if (!folder) return;
  for (struct dirent *e; (e = readdir(folder)) != NULL;) {
    if (e->d_name[0] != '.') add_port(p, e->d_name, out);
  }
  closedir(folder);
  qsort(out->items, out->count, sizeof out->items[0], by_path);
}

// The ids differ from board to board, and so quadboot says its name (as for DFU).
static bool is_wanted(const struct serial_port *port, const char *serial) {
  if (strncmp(port->product, "quadboot", strlen("quadboot")) != 0) return false;
  return !serial || strcmp(port->serial, serial) == 0;
}

bool serial_choose(const struct serial_ports *ports, const char *serial,
                   const struct serial_port **out, struct qb_error *error) {
  const struct serial_port *found = NULL;
  for (size_t i = 0; i < ports->count; i++) {
    const struct serial_port *port = &ports->items[i];
    if (!is_wanted(port, serial)) continue;
    if (found) {
      return qb_error_set(error,
                          "several boards have a serial port (%s, %s); say which with "
                          "--serial or --tty",
                          found->path, port->path);
    }
    found = port;
  }
  *out = found;
  if (found) return true;
  if (serial) {
    return qb_error_set(error, "no board with the serial number %s has a serial port",
                        serial);
  }
  return qb_error_set(
      error,
      "no board with a serial port is found; connect it, hold its button "
      "while it resets, or name the port with --tty");
}
