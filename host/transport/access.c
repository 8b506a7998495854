// SPDX-License-Identifier: MIT
#include "host/transport/access.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Most important first, as udev reads them (udev(7)).
static const char *const rule_folders[] = {
    "/etc/udev/rules.d",     "/run/udev/rules.d", "/usr/local/lib/udev/rules.d",
    "/usr/lib/udev/rules.d", "/lib/udev/rules.d", NULL};

const struct access_paths access_linux = {.devices = "/sys/bus/usb/devices",
                                          .nodes = "/dev/bus/usb",
                                          .processes = "/proc",
                                          .rules = rule_folders};

// ---- Node ------------------------------------------------------------------

// "1-2.3" of "usb:1-2.3"; NULL if it is not such a name.
static const char *sysfs_name(const char *location) {
  const char prefix[] = "usb:";
  if (strncmp(location, prefix, strlen(prefix)) != 0) return NULL;
  const char *name = location + strlen(prefix);
  return strpbrk(name, "@/") ? NULL : name;
}

static bool read_number(const struct access_paths *p, const char *name,
                        const char *attribute, unsigned *out) {
  char path[ACCESS_PATH_ROOM];
  snprintf(path, sizeof path, "%s/%s/%s", p->devices, name, attribute);
  FILE *f = fopen(path, "r");
  if (!f) return false;
  const bool ok = fscanf(f, "%u", out) == 1;
  fclose(f);
  return ok;
}

static void name_owner(uid_t id, char out[ACCESS_NAME_ROOM]) {
  const struct passwd *entry = getpwuid(id);
  if (entry) {
    snprintf(out, ACCESS_NAME_ROOM, "%s", entry->pw_name);
  } else {
    snprintf(out, ACCESS_NAME_ROOM, "%u", (unsigned)id);
  }
}

static void name_group(gid_t id, char out[ACCESS_NAME_ROOM]) {
  const struct group *entry = getgrgid(id);
  if (entry) {
    snprintf(out, ACCESS_NAME_ROOM, "%s", entry->gr_name);
  } else {
    snprintf(out, ACCESS_NAME_ROOM, "%u", (unsigned)id);
  }
}

// By the list of members, which counts from the next login on.
static bool is_member(gid_t id) {
  const struct passwd *user = getpwuid(getuid());
  char name[ACCESS_NAME_ROOM];
  if (!user) return false;
  snprintf(name, sizeof name, "%s", user->pw_name);
  const bool is_first = user->pw_gid == id;
  const struct group *entry = getgrgid(id);
  if (is_first || !entry) return is_first;
  for (char **member = entry->gr_mem; *member; member++) {
    if (strcmp(*member, name) == 0) return true;
  }
  return false;
}

bool access_find_node(const struct access_paths *p, const char *location,
                      struct access_node *out) {
  const char *name = sysfs_name(location);
  unsigned bus = 0;
  unsigned number = 0;
  struct stat s;
  *out = (struct access_node){0};
  if (!name || !read_number(p, name, "busnum", &bus) ||
      !read_number(p, name, "devnum", &number)) {
    return false;
  }
  snprintf(out->path, sizeof out->path, "%s/%03u/%03u", p->nodes, bus, number);
  if (stat(out->path, &s) != 0) return true;
  out->present = true;
  out->allowed = access(out->path, R_OK | W_OK) == 0;
  out->mode = s.st_mode & 07777;
  name_owner(s.st_uid, out->owner);
  name_group(s.st_gid, out->group);
  out->in_group = is_member(s.st_gid);
  return true;
}

// ---- Holders ---------------------------------------------------------------

void access_driver(const struct access_paths *p, const char *location,
                   uint8_t configuration, uint8_t interface,
                   char out[ACCESS_NAME_ROOM]) {
  const char *name = sysfs_name(location);
  char path[ACCESS_PATH_ROOM];
  char target[ACCESS_PATH_ROOM];
  out[0] = '\0';
  if (!name) return;
  snprintf(path, sizeof path, "%s/%s:%u.%u/driver", p->devices, name, configuration,
           interface);
  const ssize_t length = readlink(path, target, sizeof target - 1);
  if (length <= 0) return;
  target[length] = '\0';
  const char *slash = strrchr(target, '/');
  snprintf(out, ACCESS_NAME_ROOM, "%.63s", slash ? slash + 1 : target);
}

static bool has_open(const char *folder, const char *node) {
  DIR *files = opendir(folder);
  bool found = false;
  for (struct dirent *e; !found && files && (e = readdir(files)) != NULL;) {
    char target[ACCESS_PATH_ROOM];
    const ssize_t length =
        readlinkat(dirfd(files), e->d_name, target, sizeof target - 1);
    if (length <= 0) continue;
    target[length] = '\0';
    found = strcmp(target, node) == 0;
  }
  if (files) closedir(files);
  return found;
}

static void name_process(const struct access_paths *p, const char *number,
                         char out[ACCESS_NAME_ROOM]) {
  char path[ACCESS_PATH_ROOM];
  char name[32] = "a program";
  snprintf(path, sizeof path, "%s/%s/comm", p->processes, number);
  FILE *f = fopen(path, "r");
  if (f) {
    if (fgets(name, sizeof name, f)) name[strcspn(name, "\n")] = '\0';
    fclose(f);
  }
  snprintf(out, ACCESS_NAME_ROOM, "%s (process %.10s)", name, number);
}

void access_holder(const struct access_paths *p, const char *node,
                   char out[ACCESS_NAME_ROOM]) {
  out[0] = '\0';
  DIR *processes = opendir(p->processes);
  for (struct dirent *e; !out[0] && processes && (e = readdir(processes)) != NULL;) {
    char *end = NULL;
    const long number = strtol(e->d_name, &end, 10);
    char folder[ACCESS_PATH_ROOM];
    if (number <= 0 || *end || number == (long)getpid()) continue;
    snprintf(folder, sizeof folder, "%s/%s/fd", p->processes, e->d_name);
    if (has_open(folder, node)) name_process(p, e->d_name, out);
  }
  if (processes) closedir(processes);
}

// ---- Rules -----------------------------------------------------------------

bool access_find_rules(const struct access_paths *p, char out[ACCESS_PATH_ROOM]) {
  for (const char *const *folder = p->rules; *folder; folder++) {
    snprintf(out, ACCESS_PATH_ROOM, "%s/%s", *folder, ACCESS_RULES_NAME);
    if (access(out, R_OK) == 0) return true;
  }
  out[0] = '\0';
  return false;
}
