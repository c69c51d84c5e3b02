/*
 * A record in a file. It is replaced in an order that leaves a whole record at any point, also when the power
 * goes: the new one is written beside the old one and synced, renamed into its place, and the folder is
 * synced, because until then the rename is not on the disk.
 */
#ifndef FILE_STORAGE_H
#define FILE_STORAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Paths have at most so many bytes. */
#define FILE_PATH_BYTES_MAX 4095

/* What `file_load` returns when the file is there and cannot be read. */
#define FILE_LOAD_FAILED SIZE_MAX

/* Reads the file; returns its length, or 0 where there is none. */
size_t file_load(const char *path, uint8_t *record, size_t size);

/* Replaces the file; true when the new one would survive a power cut. */
bool file_store(const char *path, const uint8_t *record, size_t length);

#endif
