/*
 * Fails system calls of a process on files below one folder, as a broken or full disk does. Preloaded into the server
 * by tests.
 *
 * Environment: FAIL_ROOT (the folder), FAIL_PLAN (a file, which may come, change and go while the process runs).
 *
 * The plan is one line, `CALL ERROR FROM COUNT`: of the calls of one process that begin after the plan was written,
 * those from number FROM on, COUNT in all, fail. CALL: write, sync, read, rename (and link), close, open, unlink, mkdir.
 * ERROR: EIO, ENOSPC, EMFILE, or SHORT: a read or a write moves half of its bytes. A close that fails has closed. Each
 * failure adds a line to the file FAIL_PLAN.failed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* libuv closes by number; what this file itself calls is nobody's to fail. */
static long (*system_call)(long number, ...);
__attribute__((constructor(101))) static void start(void) { system_call = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall"); }

enum outcome { GOES_ON, IS_SHORT, FAILS };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct timespec written;
static ino_t inode;
static char planned_call[16], planned_error[16];
static long from, count, seen;

/* Reads the plan where it is another than before; false where there is none. */
static int has_plan(const char *plan) {
  struct stat status;
  if (system_call(SYS_newfstatat, AT_FDCWD, plan, &status, 0) != 0) return 0;
  if (status.st_ino == inode && memcmp(&status.st_mtim, &written, sizeof written) == 0) return 1;
  char line[128] = "";
  int fd = (int)system_call(SYS_openat, AT_FDCWD, plan, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t length = system_call(SYS_read, fd, line, sizeof line - 1);
  system_call(SYS_close, fd);
  if (length <= 0 || sscanf(line, "%15s %15s %ld %ld", planned_call, planned_error, &from, &count) != 4) return 0;
  inode = status.st_ino;
  written = status.st_mtim;
  seen = 0;
  return 1;
}

static void note(const char *plan) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s.failed", plan);
  int fd = (int)system_call(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  if (system_call(SYS_write, fd, "failed\n", 7) < 0) abort();
  system_call(SYS_close, fd);
}

/* What becomes of a call on `path`; sets errno where it fails. */
static enum outcome outcome_of(const char *call, const char *path) {
  const char *plan = getenv("FAIL_PLAN"), *root = getenv("FAIL_ROOT");
  if (!plan || !root || strncmp(path, root, strlen(root)) != 0) return GOES_ON;
  int saved = errno;
  enum outcome outcome = GOES_ON;
  pthread_mutex_lock(&lock);
  if (has_plan(plan) && strcmp(call, planned_call) == 0) {
    seen += 1;
    if (seen >= from && seen - from < count) {
      note(plan);
      outcome = strcmp(planned_error, "SHORT") == 0 ? IS_SHORT : FAILS;
      if (strcmp(planned_error, "ENOSPC") == 0) saved = ENOSPC;
      else if (strcmp(planned_error, "EMFILE") == 0) saved = EMFILE;
      else if (outcome == FAILS) saved = EIO;
    }
  }
  pthread_mutex_unlock(&lock);
  errno = saved;
  return outcome;
}

static enum outcome outcome_on_fd(const char *call, int fd) {
  if (!getenv("FAIL_PLAN")) return GOES_ON;
  char link[64], path[PATH_MAX];
  int saved = errno;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = system_call(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  errno = saved;
  if (length < 0) return GOES_ON;
  path[length] = 0;
  return outcome_of(call, path);
}

static size_t half(size_t length) { return length > 1 ? length / 2 : length; }

#define TRANSFER(call, fd, length, all, shortened) \
  switch (outcome_on_fd(call, fd)) { \
    case FAILS: return -1; \
    case IS_SHORT: length = half(length); return shortened; \
    default: return all; \
  }

ssize_t write(int fd, const void *bytes, size_t length) { TRANSFER("write", fd, length, system_call(SYS_write, fd, bytes, length), system_call(SYS_write, fd, bytes, length)) }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) { TRANSFER("write", fd, length, system_call(SYS_pwrite64, fd, bytes, length, at), system_call(SYS_pwrite64, fd, bytes, length, at)) }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return pwrite64(fd, bytes, length, at); }
ssize_t read(int fd, void *bytes, size_t length) { TRANSFER("read", fd, length, system_call(SYS_read, fd, bytes, length), system_call(SYS_read, fd, bytes, length)) }
ssize_t pread64(int fd, void *bytes, size_t length, off64_t at) { TRANSFER("read", fd, length, system_call(SYS_pread64, fd, bytes, length, at), system_call(SYS_pread64, fd, bytes, length, at)) }
ssize_t pread(int fd, void *bytes, size_t length, off_t at) { return pread64(fd, bytes, length, at); }

/* A vector that is cut short ends in the middle of its first piece. */
#define VECTOR(call, fd, vector, name, at, number, ...) \
  size_t length = vector->iov_len; \
  TRANSFER(call, fd, length, system_call(number, fd, vector, __VA_ARGS__), system_call(name, fd, vector->iov_base, length at))
#define AT(at) , at

ssize_t writev(int fd, const struct iovec *vector, int n) { VECTOR("write", fd, vector, SYS_write, , SYS_writev, n) }
ssize_t pwritev64(int fd, const struct iovec *vector, int n, off64_t at) { VECTOR("write", fd, vector, SYS_pwrite64, AT(at), SYS_pwritev, n, at, (unsigned long)at >> 32) }
ssize_t pwritev(int fd, const struct iovec *vector, int n, off_t at) { return pwritev64(fd, vector, n, at); }
ssize_t readv(int fd, const struct iovec *vector, int n) { VECTOR("read", fd, vector, SYS_read, , SYS_readv, n) }
ssize_t preadv64(int fd, const struct iovec *vector, int n, off64_t at) { VECTOR("read", fd, vector, SYS_pread64, AT(at), SYS_preadv, n, at, (unsigned long)at >> 32) }
ssize_t preadv(int fd, const struct iovec *vector, int n, off_t at) { return preadv64(fd, vector, n, at); }

int fsync(int fd) { return outcome_on_fd("sync", fd) == FAILS ? -1 : (int)system_call(SYS_fsync, fd); }
int fdatasync(int fd) { return outcome_on_fd("sync", fd) == FAILS ? -1 : (int)system_call(SYS_fdatasync, fd); }

int close(int fd) {
  enum outcome outcome = outcome_on_fd("close", fd);
  int failure = errno, result = (int)system_call(SYS_close, fd);
  if (outcome != FAILS) return result;
  errno = failure;
  return -1;
}

long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long given[6];
  for (int i = 0; i < 6; i += 1) given[i] = va_arg(list, long);
  va_end(list);
  if (number == SYS_close) return close((int)given[0]);
  return system_call(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

int rename(const char *from_path, const char *to) { return outcome_of("rename", to) == FAILS ? -1 : (int)system_call(SYS_renameat2, AT_FDCWD, from_path, AT_FDCWD, to, 0); }
int link(const char *from_path, const char *to) { return outcome_of("rename", to) == FAILS ? -1 : (int)system_call(SYS_linkat, AT_FDCWD, from_path, AT_FDCWD, to, 0); }
int unlink(const char *path) { return outcome_of("unlink", path) == FAILS ? -1 : (int)system_call(SYS_unlinkat, AT_FDCWD, path, 0); }
int mkdir(const char *path, mode_t mode) { return outcome_of("mkdir", path) == FAILS ? -1 : (int)system_call(SYS_mkdirat, AT_FDCWD, path, mode); }

static int open_at(int at, const char *path, int flags, va_list list) {
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
  if (outcome_of("open", path) == FAILS) return -1;
  return (int)system_call(SYS_openat, at, path, flags | O_LARGEFILE, mode);
}

#define OPEN(at) va_list list; va_start(list, flags); int fd = open_at(at, path, flags, list); va_end(list); return fd;
int open(const char *path, int flags, ...) { OPEN(AT_FDCWD) }
int open64(const char *path, int flags, ...) { OPEN(AT_FDCWD) }
int openat(int at, const char *path, int flags, ...) { OPEN(at) }
int openat64(int at, const char *path, int flags, ...) { OPEN(at) }
