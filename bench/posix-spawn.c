/*
 * Starts COUNT shells that run LINE, the first TOGETHER at DUE, as many each EVERY later (milliseconds), at most WIDTH at once.
 * Keeps nothing of them: this is the least that a scheduler of processes must do.
 */

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

/* Waits for the end of one shell; all of them must succeed. */
static void reap(void) {
  int status;
  if (wait(&status) < 0 || status != 0) exit(1);
}

int main(int argc, char **argv) {
  if (argc != 7) return 2;
  char *shell[] = {"/bin/sh", "-c", argv[1], NULL};
  long width = atol(argv[2]), due = atol(argv[3]), count = atol(argv[4]), every = atol(argv[5]), together = atol(argv[6]);
  long running = 0;
  for (long i = 0; i < count; i++) {
    long at = due + i / together * every;
    struct timespec until = {at / 1000, at % 1000 * 1000000};
    while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL) == EINTR) {}
    for (; running >= width; running--) reap();
    pid_t pid;
    if (posix_spawn(&pid, "/bin/sh", NULL, NULL, shell, environ) != 0) return 1;
    running++;
  }
  for (; running > 0; running--) reap();
}
