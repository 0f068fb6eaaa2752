/*
 * Fails every sync of a process with EIO while the file that FAIL_SYNCS names exists, as a broken disk does. Preloaded
 * into the server by the test `failed-sync.test.ts`.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int is_broken(void) {
  const char *file = getenv("FAIL_SYNCS");
  return file != NULL && access(file, F_OK) == 0;
}

static int sync_with(long call, int fd) {
  if (is_broken()) {
    errno = EIO;
    return -1;
  }
  return (int)syscall(call, fd);
}

int fsync(int fd) { return sync_with(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_with(SYS_fdatasync, fd); }
