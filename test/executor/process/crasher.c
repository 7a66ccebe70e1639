/*
 * The supervisor's program, with a tracer that kills one of its processes with SIGKILL at its n-th system call, before the
 * call is made. PLAN holds the level (0 the server, 1 a supervisor, 2 the job until it is its program) and n; RESULT says
 * `hit`, or `untouched` once all has ended before the n-th call. With n = 0, the process stands still before it removes the
 * file of a launch: RESULT says `held`, and it goes on once PLAN is gone.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 64, SYSTEM_CALL = SIGTRAP | 0x80 };
static struct { int pid, level; } known[MOST];
static int count;

/* One more than its parent's. Before its first stop a process has not run, so its parent is the one that made it. */
static int level_of(int pid) {
  for (int at = 0; at < count; at++)
    if (known[at].pid == pid) return known[at].level;
  char path[64], stat[512] = "";
  int parent = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  read(file, stat, sizeof stat - 1);
  close(file);
  sscanf(strrchr(stat, ')') + 1, " %*c %d", &parent);
  const int level = level_of(parent) + 1;
  known[count].pid = pid;
  known[count++].level = level;
  return level;
}

static void tell(const char *result) {
  const int file = open(RESULT ".new", O_CREAT | O_WRONLY, 0600);
  write(file, result, strlen(result));
  close(file);
  rename(RESULT ".new", RESULT);
}

static void end(const char *result) {
  tell(result);
  _exit(0);
}

static int removes_launch(int pid, const struct __ptrace_syscall_info *info) {
  return info->entry.nr == SYS_unlinkat &&
         ptrace(PTRACE_PEEKDATA, pid, info->entry.args[1], 0) == *(const long *)"launches";
}

static void trace(int server, int go, int target, int nth) {
  int status, is_server = 0, seen = 0;
  const long wanted = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                      PTRACE_O_TRACEEXEC;
  for (int fd = 0; fd < 3; fd++) dup2(open("/dev/null", O_RDWR | O_CLOEXEC), fd);
  known[count++].pid = server;
  if (ptrace(PTRACE_SEIZE, server, 0, wanted) != 0) end("cannot trace");
  write(go, "", 1);
  for (int pid; (pid = waitpid(-1, &status, __WALL)) > 0;) {
    if (!WIFSTOPPED(status)) continue;
    const int event = status >> 16, level = level_of(pid);
    if (event == PTRACE_EVENT_EXEC && level == 2) {
      ptrace(PTRACE_DETACH, pid, 0, 0);
      continue;
    }
    if (event == PTRACE_EVENT_EXEC) is_server = 1;
    struct __ptrace_syscall_info info = {0};
    if (is_server && level == target && WSTOPSIG(status) == SYSTEM_CALL)
      ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY && ++seen == nth) {
      kill(pid, SIGKILL);
      end("hit");
    }
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY && nth == 0 && removes_launch(pid, &info)) {
      tell("held");
      while (access(PLAN, F_OK) == 0) usleep(1000);
    }
    const int signal = event || WSTOPSIG(status) == SYSTEM_CALL ? 0 : WSTOPSIG(status);
    ptrace(level == target ? PTRACE_SYSCALL : PTRACE_CONT, pid, 0, signal);
  }
  end("untouched");
}

int main(int given, char **arguments) {
  int go[2], level = 0, nth = 0;
  char word;
  if (given == 2 && strcmp(arguments[1], "serve") == 0) {
    FILE *plan = fopen(PLAN, "re");
    fscanf(plan, "%d %d", &level, &nth);
    fclose(plan);
    pipe2(go, O_CLOEXEC);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    const int server = getpid();
    /* No child of the server, which would tell of its end. */
    if (fork() == 0) {
      if (fork() == 0) trace(server, go[1], level, nth);
      _exit(0);
    }
    wait(0);
    read(go[0], &word, 1);
  }
  execv(PROGRAM, arguments);
  return 127;
}
