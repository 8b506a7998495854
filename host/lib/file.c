// SPDX-License-Identifier: MIT
#include "host/lib/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// read() until `size` bytes are there or the file ends. -1: errno tells why.
static ssize_t read_fully(int fd, uint8_t *data, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t n = read(fd, data + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    done += (size_t)n;
  }
  return (ssize_t)done;
}

static bool write_fully(int fd, const uint8_t *data, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t n = write(fd, data + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    done += (size_t)n;
  }
  return true;
}

static bool read_open_file(int fd, const char *path, struct file_bytes *out,
                           struct qb_error *error) {
  struct stat st;
  if (fstat(fd, &st) != 0) {
    return qb_error_set(error, "cannot read %s: %s", path, strerror(errno));
  }
  if (!S_ISREG(st.st_mode)) {
    return qb_error_set(error, "%s is not a regular file", path);
  }
  if ((uintmax_t)st.st_size > FILE_SIZE_MAX) {
    return qb_error_set(error, "%s is larger than 1 GiB, the most that is read", path);
  }
  const size_t size = (size_t)st.st_size;
  uint8_t *data = malloc(size + 1);  // + 1: an empty file has memory too
  if (!data) return qb_error_no_memory(error);
  const ssize_t n = read_fully(fd, data, size);
  if (n < 0) {
    free(data);
    return qb_error_set(error, "cannot read %s: %s", path, strerror(errno));
  }
  *out = (struct file_bytes){.data = data, .size = (size_t)n};
  return true;
}

bool file_read(const char *path, struct file_bytes *out, struct qb_error *error) {
  // O_NONBLOCK: opening a pipe must not wait for its writer.
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    return qb_error_set(error, "cannot open %s: %s", path, strerror(errno));
  }
  const bool ok = read_open_file(fd, path, out, error);
  close(fd);
  return ok;
}

#define TEMPORARY_TRIES 100

// Creates "<path>.tmpN" for the first N that is free. open() rather than
// mkstemp(), whose file nobody else may read. -1: errno tells why.
static int create_beside(const char *path, char *name, size_t room) {
  for (int i = 0; i < TEMPORARY_TRIES; i++) {
    if (snprintf(name, room, "%s.tmp%d", path, i) >= (int)room) {
      errno = ENAMETOOLONG;
      return -1;
    }
    const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

// Writes, closes and renames; every step may be the one that finds the disk full.
static bool write_and_rename(int fd, const char *temporary, const char *path,
                             const uint8_t *data, size_t size) {
  const bool written = write_fully(fd, data, size) && fsync(fd) == 0;
  const int reason = errno;
  const bool closed = close(fd) == 0;
  if (!written) errno = reason;
  return written && closed && rename(temporary, path) == 0;
}

// The file that takes the place of `path` at the end, opened; -1 after an error.
static int open_temporary(const char *path, char final[PATH_MAX],
                          char temporary[PATH_MAX], struct qb_error *error) {
  if (!realpath(path, final)) snprintf(final, PATH_MAX, "%s", path);
  struct stat st;
  if (stat(final, &st) == 0 && !S_ISREG(st.st_mode)) {
    qb_error_set(error, "%s is not a regular file; name another output file", path);
    return -1;
  }
  const int fd = create_beside(final, temporary, PATH_MAX);
  if (fd < 0) qb_error_set(error, "cannot create %s: %s", path, strerror(errno));
  return fd;
}

bool file_check_place(const char *path, struct qb_error *error) {
  char final[PATH_MAX];
  char temporary[PATH_MAX];
  const int fd = open_temporary(path, final, temporary, error);
  if (fd < 0) return false;
  close(fd);
  unlink(temporary);
  return true;
}

bool file_replace(const char *path, const uint8_t *data, size_t size,
                  struct qb_error *error) {
  char final[PATH_MAX];
  char temporary[PATH_MAX];
  const int fd = open_temporary(path, final, temporary, error);
  if (fd < 0) return false;
  if (!write_and_rename(fd, temporary, final, data, size)) {
    const int reason = errno;
    unlink(temporary);
    return qb_error_set(error, "cannot write %s: %s", path, strerror(reason));
  }
  return true;
}

bool file_is_same(const char *a, const char *b) {
  struct stat sa;
  struct stat sb;
  if (stat(a, &sa) != 0 || stat(b, &sb) != 0) return false;
  return sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}
