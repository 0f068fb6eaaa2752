/*
 * Records what a process does to the files below one folder: every write with its bytes, every sync, every change
 * of a directory, with the times at which each call began and ended. Preloaded into the server by the test
 * `crash.test.ts`, which replays the record to see what a power cut at any moment would leave.
 *
 * Environment: RECORD_ROOT (the folder), RECORD_LOG (the file to append to).
 *
 * One record, little-endian: u32 length of what follows, u8 kind, u64 began ns, u64 ended ns, u64 inode, u64 offset,
 * u32 length of the first text, the text, and the rest: a second text or the bytes written.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind { CREATE = 1, WRITE = 2, SYNC = 3, SYNC_DIRECTORY = 4, RENAME = 5, UNLINK = 6, MAKE_DIRECTORY = 7, TRUNCATE = 8, SYNCED_WRITE = 9, LINK = 10 };

#define FDS_MAX 65536

struct tracked {
  char *path;
  uint64_t inode;
  int is_directory;
  int is_synced;
};

static struct tracked fds[FDS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *root;
static int log_fd = -1;

__attribute__((constructor)) static void start(void) {
  root = getenv("RECORD_ROOT");
  const char *log = getenv("RECORD_LOG");
  if (root && log) log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void put64(unsigned char *at, uint64_t value) { memcpy(at, &value, 8); }
static void put32(unsigned char *at, uint32_t value) { memcpy(at, &value, 4); }

/* Appends one record in one write, which O_APPEND makes atomic among processes. */
static void record(enum kind kind, uint64_t began, uint64_t inode, uint64_t offset, const char *text, const void *rest, size_t rest_length) {
  if (log_fd < 0) return;
  int saved = errno;
  uint32_t text_length = (uint32_t)strlen(text);
  size_t length = 1 + 32 + 4 + text_length + rest_length;
  unsigned char *bytes = malloc(4 + length);
  put32(bytes, (uint32_t)length);
  bytes[4] = (unsigned char)kind;
  put64(bytes + 5, began);
  put64(bytes + 13, now());
  put64(bytes + 21, inode);
  put64(bytes + 29, offset);
  put32(bytes + 37, text_length);
  memcpy(bytes + 41, text, text_length);
  memcpy(bytes + 41 + text_length, rest, rest_length);
  if (syscall(SYS_write, log_fd, bytes, 4 + length) != (long)(4 + length)) abort();
  free(bytes);
  errno = saved;
}

/* What processes that run tell each other is nothing after a crash. */
static int is_below_root(const char *path) {
  return root && strncmp(path, root, strlen(root)) == 0 && !strstr(path, "/metadata.mdb-users");
}

static int absolute(int directory_fd, const char *path, char *out) {
  if (path[0] == '/') return snprintf(out, PATH_MAX, "%s", path) < PATH_MAX;
  char base[PATH_MAX] = "";
  if (directory_fd == AT_FDCWD) {
    if (!getcwd(base, sizeof base)) return 0;
  } else {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", directory_fd);
    ssize_t length = readlink(link, base, sizeof base - 1);
    if (length < 0) return 0;
    base[length] = 0;
  }
  return snprintf(out, PATH_MAX, "%s/%s", base, path) < PATH_MAX;
}

/* What was opened as `fd`, if that is still so: a descriptor may have been closed unseen and given to a socket. */
static struct tracked *tracked(int fd) {
  if (fd < 0 || fd >= FDS_MAX || !fds[fd].path) return NULL;
  struct stat status;
  if (fstat(fd, &status) != 0 || status.st_ino != fds[fd].inode) return NULL;
  return S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) ? &fds[fd] : NULL;
}

static int open_recorded(int directory_fd, const char *path, int flags, mode_t mode) {
  char full[PATH_MAX];
  int below = log_fd >= 0 && absolute(directory_fd, path, full) && is_below_root(full);
  struct stat before;
  int existed = below && stat(full, &before) == 0;
  uint64_t began = now();
  int fd = (int)syscall(SYS_openat, directory_fd, path, flags | O_LARGEFILE, mode);
  if (fd < 0 || !below || fd >= FDS_MAX) return fd;
  struct stat status;
  if (fstat(fd, &status) != 0) return fd;
  pthread_mutex_lock(&lock);
  free(fds[fd].path);
  fds[fd] = (struct tracked){strdup(full), status.st_ino, S_ISDIR(status.st_mode), (flags & O_DSYNC) != 0};
  pthread_mutex_unlock(&lock);
  if (!existed && (flags & O_CREAT)) record(CREATE, began, status.st_ino, 0, full, "", 0);
  else if (flags & O_TRUNC) record(TRUNCATE, began, status.st_ino, 0, full, "", 0);
  return fd;
}

#define MODE_OF(flags, mode, last) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | O_TMPFILE)) { va_list list; va_start(list, last); mode = va_arg(list, mode_t); va_end(list); }

int open(const char *path, int flags, ...) { MODE_OF(flags, mode, flags) return open_recorded(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_OF(flags, mode, flags) return open_recorded(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE_OF(flags, mode, flags) return open_recorded(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE_OF(flags, mode, flags) return open_recorded(at, path, flags, mode); }

int close(int fd) {
  struct tracked *file = tracked(fd);
  if (file) {
    pthread_mutex_lock(&lock);
    free(file->path);
    file->path = NULL;
    pthread_mutex_unlock(&lock);
  }
  return (int)syscall(SYS_close, fd);
}

static void wrote(int fd, uint64_t began, uint64_t offset, const void *bytes, ssize_t written) {
  struct tracked *file = tracked(fd);
  if (!file || written <= 0) return;
  record(file->is_synced ? SYNCED_WRITE : WRITE, began, file->inode, offset, "", bytes, (size_t)written);
}

static uint64_t position(int fd) { return (uint64_t)lseek(fd, 0, SEEK_CUR); }

ssize_t write(int fd, const void *bytes, size_t length) {
  uint64_t offset = tracked(fd) ? position(fd) : 0, began = now();
  ssize_t written = syscall(SYS_write, fd, bytes, length);
  wrote(fd, began, offset, bytes, written);
  return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  uint64_t began = now();
  ssize_t written = syscall(SYS_pwrite64, fd, bytes, length, offset);
  wrote(fd, began, (uint64_t)offset, bytes, written);
  return written;
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwrite64(fd, bytes, length, offset); }

static void wrote_vector(int fd, uint64_t began, uint64_t offset, const struct iovec *vector, int count, ssize_t written) {
  for (int i = 0; i < count && written > 0; i += 1) {
    ssize_t length = (ssize_t)vector[i].iov_len < written ? (ssize_t)vector[i].iov_len : written;
    wrote(fd, began, offset, vector[i].iov_base, length);
    offset += (uint64_t)length;
    written -= length;
  }
}

ssize_t writev(int fd, const struct iovec *vector, int count) {
  uint64_t offset = tracked(fd) ? position(fd) : 0, began = now();
  ssize_t written = syscall(SYS_writev, fd, vector, count);
  wrote_vector(fd, began, offset, vector, count, written);
  return written;
}

ssize_t pwritev64(int fd, const struct iovec *vector, int count, off64_t offset) {
  uint64_t began = now();
  ssize_t written = syscall(SYS_pwritev, fd, vector, count, offset, (uint64_t)offset >> 32);
  wrote_vector(fd, began, (uint64_t)offset, vector, count, written);
  return written;
}
ssize_t pwritev(int fd, const struct iovec *vector, int count, off_t offset) { return pwritev64(fd, vector, count, offset); }

static int synced(int fd, uint64_t began, int result) {
  struct tracked *file = tracked(fd);
  if (!file || result != 0) return result;
  record(file->is_directory ? SYNC_DIRECTORY : SYNC, began, file->inode, 0, file->path, "", 0);
  return result;
}

int fsync(int fd) { uint64_t began = now(); return synced(fd, began, (int)syscall(SYS_fsync, fd)); }
int fdatasync(int fd) { uint64_t began = now(); return synced(fd, began, (int)syscall(SYS_fdatasync, fd)); }

int ftruncate64(int fd, off64_t length) {
  uint64_t began = now();
  int result = (int)syscall(SYS_ftruncate, fd, length);
  struct tracked *file = tracked(fd);
  if (file && result == 0) record(TRUNCATE, began, file->inode, (uint64_t)length, file->path, "", 0);
  return result;
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int renameat(int from_at, const char *from, int to_at, const char *to) {
  char full_from[PATH_MAX], full_to[PATH_MAX];
  uint64_t began = now();
  int result = (int)syscall(SYS_renameat2, from_at, from, to_at, to, 0);
  if (result == 0 && absolute(from_at, from, full_from) && absolute(to_at, to, full_to) && is_below_root(full_to))
    record(RENAME, began, 0, 0, full_from, full_to, strlen(full_to));
  return result;
}
int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }

int linkat(int from_at, const char *from, int to_at, const char *to, int flags) {
  char full_from[PATH_MAX], full_to[PATH_MAX];
  uint64_t began = now();
  int result = (int)syscall(SYS_linkat, from_at, from, to_at, to, flags);
  if (result == 0 && absolute(from_at, from, full_from) && absolute(to_at, to, full_to) && is_below_root(full_to))
    record(LINK, began, 0, 0, full_from, full_to, strlen(full_to));
  return result;
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int at, const char *path, int flags) {
  char full[PATH_MAX];
  uint64_t began = now();
  int result = (int)syscall(SYS_unlinkat, at, path, flags);
  if (result == 0 && absolute(at, path, full) && is_below_root(full)) record(UNLINK, began, 0, 0, full, "", 0);
  return result;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int at, const char *path, mode_t mode) {
  char full[PATH_MAX];
  uint64_t began = now();
  int result = (int)syscall(SYS_mkdirat, at, path, mode);
  struct stat status;
  if (result == 0 && absolute(at, path, full) && is_below_root(full) && stat(full, &status) == 0)
    record(MAKE_DIRECTORY, began, status.st_ino, 0, full, "", 0);
  return result;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
