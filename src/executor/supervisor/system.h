/* The system without a library: its calls, texts, users, and how a process becomes a program. */

typedef unsigned long u64;

/* How a command ends. A job's own exit code is in its launch's file only. */
enum { DONE = 0, LEFT_BEHIND = 1, USAGE = 64, NO_PROCESS = 71, NO_FILE = 74, CLAIM_LOST = 75, NO_USER = 76,
       NO_FOLDER = 77, NO_LIMITS = 78, NO_MEMORY = 79, NOT_EXECUTABLE = 126, NOT_FOUND = 127 };
enum { INPUT = 0, OUTPUT = 1, ERRORS = 2 };

enum { ENTRY_MISSING = 2, NO_EXEC_FORMAT = 8, NO_CHILD = 10, AGAIN = 11, DENIED = 13, EXISTS = 17, NO_FOLDER_THERE = 20,
       IS_FOLDER = 21, INVALID = 22, NO_ROOM = 28, NO_SUCH_CALL = 38 };
enum { HERE = -100, SIGNALS = 64, SIG_KILL = 9, SIG_USR1 = 10, SIG_TERM = 15, SIG_CHLD = 17, PATH_SIZE = 4096 };
enum { WRITE_ONLY = 1, READ_WRITE = 2, CREATE = 0100, ONLY_NEW = 0200, CUT = 01000, NON_BLOCKING = 04000,
       CLOSE_ON_EXEC = 02000000, PATH_ONLY = 010000000 };
#if defined(__aarch64__)
enum { FOLDER_ONLY = 040000, NO_FOLLOW = 0100000, PACKETS = 0200000 };
#else
enum { PACKETS = 040000, FOLDER_ONLY = 0200000, NO_FOLLOW = 0400000 };
#endif

#if defined(__x86_64__)
enum { READ = 0, WRITE = 1, CLOSE = 3, FSTAT = 5, LSEEK = 8, RT_SIGACTION = 13, RT_SIGPROCMASK = 14, PREAD64 = 17,
       PWRITE64 = 18, GETPID = 39, SOCKETPAIR = 53, CLONE = 56, EXECVE = 59, WAIT4 = 61, KILL = 62, FCNTL = 72, FLOCK = 73,
       FSYNC = 74, FTRUNCATE = 77, CHDIR = 80, FCHMOD = 91, FCHOWN = 93, UMASK = 95, SETSID = 112, SETGROUPS = 116, SETRESUID = 117,
       SETRESGID = 119, SETFSUID = 122, SETFSGID = 123, CAPGET = 125, CAPSET = 126, PRCTL = 157, GETDENTS64 = 217,
       CLOCK_GETTIME = 228, EXIT_GROUP = 231, EPOLL_CTL = 233, OPENAT = 257, MKDIRAT = 258, FCHOWNAT = 260, NEWFSTATAT = 262,
       UNLINKAT = 263, LINKAT = 265, FCHMODAT = 268, PPOLL = 271, EPOLL_PWAIT = 281, SIGNALFD4 = 289, EPOLL_CREATE1 = 291, DUP3 = 292,
       PIPE2 = 293, PRLIMIT64 = 302, RENAMEAT2 = 316, MEMFD_CREATE = 319, SCHED_GETAFFINITY = 204, INOTIFY_ADD_WATCH = 254, UTIMENSAT = 280,
       INOTIFY_INIT1 = 294 };
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call supervisor\n");
static long ask6(long n, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
enum { EPOLL_CREATE1 = 20, EPOLL_CTL = 21, EPOLL_PWAIT = 22, DUP3 = 24, FCNTL = 25, FLOCK = 32, MKDIRAT = 34, UNLINKAT = 35,
       LINKAT = 37, FTRUNCATE = 46, CHDIR = 49, FCHMOD = 52, FCHMODAT = 53, FCHOWNAT = 54, FCHOWN = 55, OPENAT = 56, CLOSE = 57,
       PIPE2 = 59, GETDENTS64 = 61, LSEEK = 62, READ = 63, WRITE = 64, PREAD64 = 67, PWRITE64 = 68, PPOLL = 73, SIGNALFD4 = 74,
       NEWFSTATAT = 79, FSTAT = 80, FSYNC = 82, CAPGET = 90, CAPSET = 91, EXIT_GROUP = 94, CLOCK_GETTIME = 113, KILL = 129, RT_SIGACTION = 134,
       RT_SIGPROCMASK = 135, SETRESUID = 147, SETRESGID = 149, SETFSUID = 151, SETFSGID = 152, SETSID = 157, SETGROUPS = 159,
       UMASK = 166, PRCTL = 167, GETPID = 172, SOCKETPAIR = 199, CLONE = 220, EXECVE = 221, WAIT4 = 260, PRLIMIT64 = 261, RENAMEAT2 = 276,
       MEMFD_CREATE = 279, INOTIFY_INIT1 = 26, INOTIFY_ADD_WATCH = 27, UTIMENSAT = 88, SCHED_GETAFFINITY = 123 };
__asm__(".globl _start\n_start: mov x0, sp\n bl supervisor\n");
static long ask6(long n, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = n;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
#else
#error "no system calls known for this machine"
#endif
/* The same number everywhere. */
enum { CLONE3 = 435, CLOSE_RANGE = 436, OPENAT2 = 437 };

__attribute__((noinline)) static long ask(long n, long a, long b, long c, long d, long e) {
  return ask6(n, a, b, c, d, e, 0);
}

/* ---- Texts ---- */

static int same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

/* Reads digits, and leaves `text` behind them. */
static long number(const char **text) {
  long n = 0;
  for (; **text >= '0' && **text <= '9'; ++*text) n = n * 10 + (**text - '0');
  return n;
}

/* A line that is being written: what does not fit is left out. */
struct line { long used; char text[PATH_SIZE]; };

static void add(struct line *line, const char *text) {
  while (*text && line->used < PATH_SIZE - 1) line->text[line->used++] = *text++;
  line->text[line->used] = 0;
}

static void add_number(struct line *line, long n) {
  char digits[24];
  long at = sizeof digits;
  digits[--at] = 0;
  do digits[--at] = (char)('0' + n % 10), n /= 10; while (n > 0);
  add(line, digits + at);
}

/* The first line of a file, without its end; false when there is none. */
static int add_first_line(struct line *line, const char *path) {
  const long file = ask(OPENAT, HERE, (long)path, CLOSE_ON_EXEC, 0, 0);
  if (file < 0) return 0;
  const long from = line->used;
  long count = ask(READ, file, (long)(line->text + from), PATH_SIZE - 1 - from, 0, 0);
  ask(CLOSE, file, 0, 0, 0, 0);
  if (count <= 0) return 0;
  for (long i = 0; i < count; i++)
    if (line->text[from + i] == '\n') count = i;
  line->used = from + count;
  line->text[line->used] = 0;
  return 1;
}

/* Reads numbers of a process from /proc. False if it is gone. Fields are counted from the state, which follows the name. */
enum { PARENT = 1, GROUP = 2, BEGAN = 19 };
static int stat_of(long pid, long fields[BEGAN + 1]) {
  static struct line line;
  line.used = 0;
  add(&line, "/proc/");
  add_number(&line, pid);
  add(&line, "/stat");
  static struct line stat;
  stat.used = 0;
  if (!add_first_line(&stat, line.text)) return 0;
  const char *at = stat.text + stat.used;
  /* The name, in parentheses, may hold anything. */
  while (at > stat.text && *at != ')') at--;
  for (int field = 0; field <= BEGAN && *at; field++) {
    while (*at && *at++ != ' ') continue;
    const char *from = at + (*at == '-');
    fields[field] = number(&from);
    if (field == BEGAN) return 1;
  }
  return 0;
}

static int written(long fd, const struct line *line) {
  return ask(WRITE, fd, (long)line->text, line->used, 0, 0) == line->used;
}

/* ---- Parts ---- */

static void leave(long code) {
  for (;;) ask(EXIT_GROUP, code, 0, 0, 0, 0);
}

/* An entry of a folder, as the system returns it. */
struct entry { u64 inode; long offset; unsigned short size; unsigned char kind; char name[]; };

static void close_from(long first) {
  if (ask(CLOSE_RANGE, first, 0xffffffff, 0, 0, 0) == 0) return;
  /* Before Linux 5.9, or in a sandbox. */
  const long folder = ask(OPENAT, HERE, (long)"/proc/self/fd", FOLDER_ONLY | CLOSE_ON_EXEC, 0, 0);
  static char entries[PATH_SIZE] __attribute__((aligned(8)));
  for (long count; (count = ask(GETDENTS64, folder, (long)entries, sizeof entries, 0, 0)) > 0;) {
    for (long at = 0; at < count; at += ((struct entry *)(entries + at))->size) {
      const char *name = ((struct entry *)(entries + at))->name;
      if (*name < '0' || *name > '9') continue;
      const long fd = number(&name);
      if (fd >= first && fd != folder) ask(CLOSE, fd, 0, 0, 0, 0);
    }
  }
  ask(CLOSE, folder, 0, 0, 0, 0);
}

/* Gives every signal its default action, also those that were ignored when the scheduler was started. */
static void reset_signals(void) {
  static const u64 action[4];
  for (long signal = 1; signal <= SIGNALS; signal++) ask(RT_SIGACTION, signal, (long)action, 0, sizeof(u64), 0);
}

static void block_signals(u64 mask) { ask(RT_SIGPROCMASK, 2, (long)&mask, 0, sizeof mask, 0); }

struct user { long uid, gid; };

/* False: `text` names none, which is the user that it runs as. */
static int is_named(const char *text, struct user *user) {
  if (*text == '-') return 0;
  user->uid = number(&text);
  user->gid = -1;
  if (*text++ == ':') user->gid = number(&text);
  return 1;
}

/* Some files ask for capabilities, which are more than the rights of a user. Those of a program come back with its start. */
static int drop_capabilities(void) {
  enum { VERSION = 0x20080522, SETGID = 1 << 6, SETUID = 1 << 7 };
  struct { unsigned version; int pid; } whose = {VERSION, 0};
  struct { unsigned effective, permitted, inheritable; } sets[2];
  if (ask(CAPGET, (long)&whose, (long)sets, 0, 0, 0) != 0) return 0;
  sets[0].effective &= SETGID | SETUID;
  sets[1].effective = 0;
  return ask(CAPSET, (long)&whose, (long)sets, 0, 0, 0) == 0;
}

/* Reaches files with the rights of the user only, and cannot be signalled by that user's other processes. */
static int use_files_as(const char *text) {
  struct user user;
  if (!is_named(text, &user)) return 1;
  if (user.gid < 0 || ask(SETGROUPS, 0, 0, 0, 0, 0) != 0) return 0;
  if (user.uid != 0 && !drop_capabilities()) return 0;
  ask(SETFSGID, user.gid, 0, 0, 0, 0);
  ask(SETFSUID, user.uid, 0, 0, 0, 0);
  /* These calls report no error. With -1, which is no user, they return the current one. */
  return ask(SETFSGID, -1, 0, 0, 0, 0) == user.gid && ask(SETFSUID, -1, 0, 0, 0, 0) == user.uid;
}

/* Gives up all other rights for good, supplementary groups too. */
static int become_user(const char *text) {
  struct user user;
  if (!is_named(text, &user)) return 1;
  return user.gid >= 0 && ask(SETGROUPS, 0, 0, 0, 0, 0) == 0 &&
         ask(SETRESGID, user.gid, user.gid, user.gid, 0, 0) == 0 &&
         ask(SETRESUID, user.uid, user.uid, user.uid, 0, 0) == 0;
}

static const char *search_path(char **environment) {
  for (; *environment; environment++) {
    const char *e = *environment;
    if (e[0] == 'P' && e[1] == 'A' && e[2] == 'T' && e[3] == 'H' && e[4] == '=') return e + 5;
  }
  return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* True if a shell could read the file as a script: it is not empty, and has no NUL at its beginning. */
static int is_text(const char *path) {
  char begin[128];
  const long file = ask(OPENAT, HERE, (long)path, CLOSE_ON_EXEC, 0, 0);
  if (file < 0) return 0;
  const long count = ask(READ, file, (long)begin, sizeof begin, 0, 0);
  ask(CLOSE, file, 0, 0, 0, 0);
  for (long i = 0; i < count; i++)
    if (!begin[i]) return 0;
  return count > 0;
}

/* Returns only after an error. It may overwrite arguments[-1] and arguments[0]. */
static long execute(const char *file, char **arguments, char **environment) {
  const long error = ask(EXECVE, (long)file, (long)arguments, (long)environment, 0, 0);
  if (error != -NO_EXEC_FORMAT || !is_text(file)) return error;
  /* A script without a first line that says what runs it: as execvp does. */
  arguments[-1] = "/bin/sh";
  arguments[0] = (char *)file;
  return ask(EXECVE, (long)"/bin/sh", (long)(arguments - 1), (long)environment, 0, 0);
}

/* As execvp does: along PATH, unless the program has a slash. After an error, its number is written to `line`. */
static void become(char **arguments, char **environment, long line) {
  const char *program = arguments[0];
  static struct line candidate;
  long error = -ENTRY_MISSING;
  int given = 0;
  for (const char *c = program; *c; c++) given |= *c == '/';
  if (given) error = execute(program, arguments, environment);
  for (const char *from = search_path(environment); !given && *program; from++) {
    candidate.used = 0;
    for (; *from && *from != ':'; from++)
      if (candidate.used < PATH_SIZE - 1) candidate.text[candidate.used++] = *from;
    /* An empty entry is the current folder. */
    if (candidate.used > 0) add(&candidate, "/");
    add(&candidate, program);
    const long found = execute(candidate.text, arguments, environment);
    if (found != -ENTRY_MISSING && found != -NO_FOLDER_THERE) error = found;
    if (!*from) break;
  }
  static struct line words;
  add(&words, "carillon: cannot execute ");
  add(&words, program);
  add(&words, "\n");
  written(ERRORS, &words);
  const unsigned char obstacle = (unsigned char)-error;
  if (line >= 0) ask(WRITE, line, (long)&obstacle, 1, 0, 0);
  leave(error == -ENTRY_MISSING ? NOT_FOUND : NOT_EXECUTABLE);
}

