/* See file_storage.h. */
#define _POSIX_C_SOURCE 200809L

#include "file_storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Reads until the end of the file, or until the buffer is full. */
static ssize_t read_all(int file, uint8_t *record, size_t size) {
  size_t length = 0;
  while (length < size) {
    ssize_t count = read(file, record + length, size - length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) break;
    length += (size_t)count;
  }
  return (ssize_t)length;
}

size_t file_load(const char *path, uint8_t *record, size_t size) {
  int file = open(path, O_RDONLY);
  if (file == -1) return errno == ENOENT ? 0 : FILE_LOAD_FAILED;
  ssize_t length = read_all(file, record, size);
  close(file);
  return length < 0 ? FILE_LOAD_FAILED : (size_t)length;
}

static bool write_all(int file, const uint8_t *record, size_t length) {
  while (length > 0) {
    ssize_t count = write(file, record, length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    record += count;
    length -= (size_t)count;
  }
  return true;
}

static bool write_synced(const char *path, const uint8_t *record, size_t length) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file == -1) return false;
  bool is_on_disk = write_all(file, record, length) && fsync(file) == 0;
  return close(file) == 0 && is_on_disk;
}

/* Makes a rename outlive a power cut. */
static bool sync_folder_of(const char *path) {
  char folder[FILE_PATH_BYTES_MAX + 1];
  const char *slash = strrchr(path, '/');
  if (slash == NULL) strcpy(folder, ".");
  else snprintf(folder, sizeof folder, "%.*s", (int)(slash - path + 1), path);
  int opened = open(folder, O_RDONLY);
  if (opened == -1) return false;
  bool is_synced = fsync(opened) == 0;
  close(opened);
  return is_synced;
}

bool file_store(const char *path, const uint8_t *record, size_t length) {
  char next[FILE_PATH_BYTES_MAX + 1];
  int needed = snprintf(next, sizeof next, "%s.next", path);
  if (needed < 0 || (size_t)needed >= sizeof next) return false;
  return write_synced(next, record, length) && rename(next, path) == 0 && sync_folder_of(path);
}
