// SPDX-License-Identifier: MIT
#include "sim/machine/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PART_TRIES = 100 };

struct output {
  char real[PATH_MAX];  // symbolic links followed
  char part[PATH_MAX];  // beside it, while it is written
  bool exists, regular;
  struct stat st;
};

__attribute__((format(printf, 2, 3))) static bool fail(struct load_error *error,
                                                       const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(error->text, sizeof error->text, format, args);
  va_end(args);
  return false;
}

static bool cannot(const char *path, const char *why, struct load_error *error) {
  return fail(error, "%s cannot be written: %s", path, why);
}

static bool find(const char *path, struct output *o, struct load_error *error) {
  *o = (struct output){0};
  struct stat link;
  o->exists = realpath(path, o->real);
  if (o->exists && stat(o->real, &o->st) == 0) {
    o->regular = S_ISREG(o->st.st_mode);
    return true;
  }
  if (lstat(path, &link) == 0) {
    return cannot(path, "it is a symbolic link to a file that cannot be reached",
                  error);
  }
  if (errno != ENOENT) return cannot(path, strerror(errno), error);
  o->regular = true;
  const int n = snprintf(o->real, sizeof o->real, "%s", path);
  return n < (int)sizeof o->real || cannot(path, strerror(ENAMETOOLONG), error);
}

// Creates the first free "<file>.partN", so that nobody's file is overwritten.
static int create_part(struct output *o) {
  for (int i = 0; i < PART_TRIES; i++) {
    const int n = snprintf(o->part, sizeof o->part, "%s.part%d", o->real, i);
    if (n >= (int)sizeof o->part) {
      errno = ENAMETOOLONG;
      return -1;
    }
    const int fd = open(o->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

// Root may write what is marked read-only; the mark is respected all the same.
static bool is_writable(const struct output *o) {
  return !o->exists || ((o->st.st_mode & 0222) && access(o->real, W_OK) == 0);
}

bool output_probe(const char *path, bool image, struct load_error *error) {
  struct output o;
  if (!find(path, &o, error)) return false;
  if (o.exists && S_ISDIR(o.st.st_mode)) return cannot(path, "it is a folder", error);
  if (image && !o.regular) return fail(error, "%s is not a file", path);
  if (!is_writable(&o)) return cannot(path, "it is read-only", error);
  if (!o.regular) return true;
  const int fd = create_part(&o);
  if (fd < 0) return cannot(path, strerror(errno), error);
  close(fd);
  unlink(o.part);
  return true;
}

static bool write_all(int fd, const uint8_t *bytes, size_t n) {
  while (n) {
    const ssize_t put = write(fd, bytes, n);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes += put;
    n -= (size_t)put;
  }
  return true;
}

// Mode and owner as before; another owner is no reason to lose the content.
static bool keep_mode(int fd, const struct output *o) {
  if (!o->exists) return true;
  if (fchown(fd, o->st.st_uid, o->st.st_gid)) errno = 0;
  return fchmod(fd, o->st.st_mode & 07777) == 0;
}

static bool replace(struct output *o, const void *bytes, size_t size) {
  const int fd = create_part(o);
  if (fd < 0) return false;
  bool good = write_all(fd, bytes, size) && keep_mode(fd, o);
  int why = errno;
  if (close(fd) && good) {
    good = false;
    why = errno;
  }
  if (good && rename(o->part, o->real) == 0) return true;
  if (good) why = errno;
  unlink(o->part);
  errno = why;
  return false;
}

static bool write_device(const struct output *o, const void *bytes, size_t size) {
  const int fd = open(o->real, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool good = write_all(fd, bytes, size);
  const int why = errno;
  close(fd);
  errno = why;
  return good;
}

bool output_write(const char *path, const void *bytes, size_t size,
                  struct load_error *error) {
  struct output o;
  if (!find(path, &o, error)) return false;
  const bool good =
      o.regular ? replace(&o, bytes, size) : write_device(&o, bytes, size);
  return good || cannot(path, strerror(errno), error);
}

// The folder of a file that is not there yet, with its symbolic links followed.
static bool folder_of(const char *path, char real[PATH_MAX], const char **name) {
  char folder[PATH_MAX];
  const char *slash = strrchr(path, '/');
  *name = slash ? slash + 1 : path;
  const int n = snprintf(folder, sizeof folder, "%.*s",
                         slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
  return n < (int)sizeof folder && realpath(folder, real);
}

bool output_same(const char *a, const char *b) {
  struct stat sa, sb;
  const bool has_a = stat(a, &sa) == 0, has_b = stat(b, &sb) == 0;
  if (has_a != has_b) return false;
  if (has_a) {
    return S_ISREG(sa.st_mode) && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
  }
  char folder_a[PATH_MAX], folder_b[PATH_MAX];
  const char *name_a, *name_b;
  return folder_of(a, folder_a, &name_a) && folder_of(b, folder_b, &name_b) &&
         !strcmp(folder_a, folder_b) && !strcmp(name_a, name_b);
}
