/*
 * The supervisor: what the scheduler needs of the system and cannot ask from Node, as six small commands.
 *
 *   supervisor serve                                         starts jobs on request, each under a supervisor of its own
 *   supervisor clear FOLDER USER                             empties a folder with the rights of a user
 *   supervisor read FILE USER PROGRAM [ARG…]                 becomes a program that reads a file which the user may read
 *   supervisor only COUNT PROGRAM [ARG…]                     becomes a program that has the first COUNT descriptors
 *   supervisor cut NEXT OLD KEEP                             empties a file of output, and keeps its last KEEP bytes in OLD
 *   supervisor move FROM TO                                  renames a file
 *
 * USER is UID:GID, or - for the user that it runs as. FOLDER is a full path.
 *
 * No library, so that nothing on the host, and nothing in a job's environment, changes what it does.
 * program.ts carries what comes out of
 *
 *   gcc -Os -std=gnu11 -ffreestanding -fno-builtin -fno-stack-protector -fno-pie -fno-ident
 *       -fno-asynchronous-unwind-tables -nostdlib -static -no-pie -s -o supervisor supervisor.c
 *       -Wl,-n,-z,noseparate-code,-z,noexecstack,--no-warn-rwx-segments,--build-id=none
 */

typedef unsigned long u64;

/* How it ends. The job's own exit code is in the journal only. */
enum { DONE = 0, LEFT_BEHIND = 1, USAGE = 64, NO_PROCESS = 71, NO_JOURNAL = 74, CLAIM_LOST = 75, NO_USER = 76,
       NO_FOLDER = 77, NOT_EXECUTABLE = 126, NOT_FOUND = 127 };
/* Descriptors of a supervisor; 0, 1 and 2 are the job's. */
enum { INPUT = 0, OUTPUT = 1, ERRORS = 2, JOURNAL = 3, REPLIES = 4, FIRST_UNKNOWN = 5 };

enum { ENTRY_MISSING = 2, TOO_LONG = 7, NO_EXEC_FORMAT = 8, DENIED = 13, EXISTS = 17, NO_FOLDER_THERE = 20, IS_FOLDER = 21,
       NO_SUCH_CALL = 38 };
enum { HERE = -100, SIGNALS = 64, SIG_CHLD = 17, PATH_SIZE = 4096 };
enum { WRITE_ONLY = 1, APPEND = 02000, NON_BLOCKING = 04000, CLOSE_ON_EXEC = 02000000, PATH_ONLY = 010000000 };
#if defined(__aarch64__)
enum { FOLDER_ONLY = 040000, NO_FOLLOW = 0100000 };
#else
enum { FOLDER_ONLY = 0200000, NO_FOLLOW = 0400000 };
#endif

#if defined(__x86_64__)
enum { READ = 0, WRITE = 1, CLOSE = 3, LSEEK = 8, RT_SIGACTION = 13, RT_SIGPROCMASK = 14, GETPID = 39, SOCKETPAIR = 53,
       CLONE = 56, EXECVE = 59, WAIT4 = 61, FTRUNCATE = 77, CHDIR = 80, FCHMOD = 91, SETSID = 112, SETGROUPS = 116, SETRESUID = 117,
       SETRESGID = 119, SETFSUID = 122, SETFSGID = 123, CAPGET = 125, CAPSET = 126, PRCTL = 157, GETDENTS64 = 217, EXIT_GROUP = 231, OPENAT = 257, MKDIRAT = 258,
       UNLINKAT = 263, SYMLINKAT = 266, READLINKAT = 267, FCHMODAT = 268, PPOLL = 271, SIGNALFD4 = 289, DUP3 = 292, PRLIMIT64 = 302,
       RENAMEAT2 = 316, MEMFD_CREATE = 319 };
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call supervisor\n");
static long ask(long n, long a, long b, long c, long d, long e) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
enum { DUP3 = 24, MKDIRAT = 34, UNLINKAT = 35, SYMLINKAT = 36, FTRUNCATE = 46, CHDIR = 49, FCHMOD = 52, FCHMODAT = 53, OPENAT = 56, CLOSE = 57,
       GETDENTS64 = 61, LSEEK = 62, READ = 63, WRITE = 64, PPOLL = 73, SIGNALFD4 = 74, READLINKAT = 78, CAPGET = 90, CAPSET = 91, EXIT_GROUP = 94, RT_SIGACTION = 134, RT_SIGPROCMASK = 135, SETRESUID = 147,
       SETRESGID = 149, SETFSUID = 151, SETFSGID = 152, SETSID = 157, SETGROUPS = 159, PRCTL = 167, GETPID = 172, SOCKETPAIR = 199,
       CLONE = 220, EXECVE = 221, WAIT4 = 260, PRLIMIT64 = 261, RENAMEAT2 = 276, MEMFD_CREATE = 279 };
__asm__(".globl _start\n_start: mov x0, sp\n bl supervisor\n");
static long ask(long n, long a, long b, long c, long d, long e) {
  register long x8 __asm__("x8") = n;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
  return x0;
}
#else
#error "no system calls known for this machine"
#endif
/* The same number everywhere. */
enum { CLONE3 = 435, CLOSE_RANGE = 436, OPENAT2 = 437 };

/* ---- Texts ---- */

static int same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

/* Reads digits up to something else; `text` is left there. */
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

static int add_stat(struct line *line, long pid) {
  static struct line path;
  path.used = 0;
  add(&path, "/proc/");
  add_number(&path, pid);
  add(&path, "/stat");
  return add_first_line(line, path.text);
}

static int written(long fd, const struct line *line) {
  return ask(WRITE, fd, (long)line->text, line->used, 0, 0) == line->used;
}

/* ---- Parts ---- */

static void leave(long code) {
  for (;;) ask(EXIT_GROUP, code, 0, 0, 0, 0);
}

/* An entry of a folder, as the system tells of it. */
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

/* Every signal has its default, whatever the one who started the scheduler ignored. */
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
  /* These tell of no error: what is no user is answered with who it is still. */
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

/* What a shell could read as a script: neither empty nor with a NUL where one would begin. */
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

/* Comes back only when it cannot. arguments[-1] and arguments[0] may be written over. */
static long execute(const char *file, char **arguments, char **environment) {
  const long error = ask(EXECVE, (long)file, (long)arguments, (long)environment, 0, 0);
  if (error != -NO_EXEC_FORMAT || !is_text(file)) return error;
  /* A script without a first line that says what runs it: as execvp does. */
  arguments[-1] = "/bin/sh";
  arguments[0] = (char *)file;
  return ask(EXECVE, (long)"/bin/sh", (long)(arguments - 1), (long)environment, 0, 0);
}

/* As execvp does: along PATH, unless the program has a slash. The number of what stood in its way goes to `line`. */
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

/* ---- A supervisor and its job ---- */

/* Of the program that serves, and of each supervisor once its job may start. ENDED names the supervisor's process. */
enum { FORKED = 1, NOT_FORKED = 2, STARTED = 3, ENDED = 4 };
static void reply(long to, unsigned kind, unsigned number, unsigned value) {
  /* One write, so that replies of several processes never mix. */
  const unsigned words[3] = {kind, number, value};
  ask(WRITE, to, (long)words, sizeof words, 0, 0);
}

/* Node raises the number of files that a process may have open, and some programs go through all of it. */
static void lower_open_files(void) {
  enum { OPEN_FILES = 7, USUAL = 1024 };
  struct { u64 soft, hard; } limit;
  if (ask(PRLIMIT64, 0, OPEN_FILES, 0, (long)&limit, 0) != 0 || limit.soft <= USUAL) return;
  limit.soft = USUAL;
  ask(PRLIMIT64, 0, OPEN_FILES, (long)&limit, 0, 0);
}

struct job { const char *claim, *cgroup, *folder, *user; char **arguments, **environment; };

/* The job until it is one. What stood in its way is told by one byte on `line`; the answer is the word to go. */
static void begin_job(const struct job *job, long line) {
  char result = DONE;
  /* A session and a group of its own: what it sends to its group never reaches the supervisor. */
  ask(SETSID, 0, 0, 0, 0, 0);
  /* Not the user yet: another of its processes could stop this one, and who waits for it. */
  if (!use_files_as(job->user)) result = NO_USER;
  else if (ask(CHDIR, (long)job->folder, 0, 0, 0, 0) != 0) result = NO_FOLDER;
  ask(WRITE, line, (long)&result, 1, 0, 0);
  if (ask(READ, line, (long)&result, 1, 0, 0) != 1) leave(DONE);
  if (!become_user(job->user)) leave(NO_USER);
  lower_open_files();
  /* Ends with the start of the program, if that succeeds: then the supervisor reads nothing from it. */
  ask(DUP3, line, JOURNAL, CLOSE_ON_EXEC, 0, 0);
  close_from(JOURNAL + 1);
  block_signals(0);
  become(job->arguments, job->environment, JOURNAL);
}

/* Makes the cgroup and a process in it; -1 in `cgroup` where there is none. */
static long fork_into(long *cgroup, const char *path) {
  enum { INTO_CGROUP = 33 };
  static u64 request[11];
  request[4] = SIG_CHLD;
  *cgroup = -1;
  if (*path == '/') {
    ask(MKDIRAT, HERE, (long)path, 0755, 0, 0);
    *cgroup = ask(OPENAT, HERE, (long)path, FOLDER_ONLY | NO_FOLLOW | CLOSE_ON_EXEC, 0, 0);
  }
  if (*cgroup >= 0) {
    request[0] = 1ul << INTO_CGROUP;
    request[10] = (u64)*cgroup;
    /* Born there: to move it would make it wait for every processor. */
    const long pid = ask(CLONE3, (long)request, sizeof request, 0, 0, 0);
    if (pid >= 0) return pid;
    ask(CLOSE, *cgroup, 0, 0, 0, 0);
    *cgroup = -1;
  }
  return ask(CLONE, SIG_CHLD, 0, 0, 0, 0);
}

/* Of all who ever try to start this launch one succeeds. A link has its text at once or does not exist. */
static int claimed(const char *path) {
  static struct line pid;
  char byte;
  add_number(&pid, ask(GETPID, 0, 0, 0, 0, 0));
  if (ask(SYMLINKAT, (long)pid.text, HERE, (long)path, 0, 0) != 0) return 0;
  /* A launch that was taken back is moved away, then emptied: a claim made there in between would be no claim. */
  return ask(READLINKAT, HERE, (long)path, (long)&byte, 1, 0) == 1;
}

/* One write, with `start` last: who reads that has the rest. */
static int note_start(long pid, const char *cgroup) {
  static struct line note;
  const long self = ask(GETPID, 0, 0, 0, 0, 0);
  if (cgroup) add(&note, "cgroup "), add(&note, cgroup), add(&note, "\n");
  add(&note, "job "), add_number(&note, pid), add(&note, " ");
  int known = add_stat(&note, pid);
  add(&note, "\nstart "), add_number(&note, self), add(&note, " ");
  known &= add_first_line(&note, "/proc/sys/kernel/random/boot_id");
  add(&note, " ");
  known &= add_stat(&note, self);
  add(&note, "\n");
  return known && written(JOURNAL, &note);
}

static int status_code(int status) {
  return (status & 127) == 0 ? status >> 8 & 255 : 128 + (status & 127);
}

/* Waits for the job and, as their next parent, for what it leaves behind meanwhile. */
static long exit_code_of(long pid) {
  for (;;) {
    int status = 0;
    if (ask(WAIT4, -1, (long)&status, 0, 0, 0) == pid) return status_code(status);
  }
}

/* Until the job has ended. Descriptors 0 to 4 are open. Returns how the supervisor ends. */
static long supervise(const struct job *job, unsigned request) {
  enum { UNIX = 1, STREAM = 1, SUBREAPER = 36 };
  int line[2];
  close_from(FIRST_UNKNOWN);
  ask(PRCTL, SUBREAPER, 1, 0, 0, 0);
  if (ask(SOCKETPAIR, UNIX, STREAM | CLOSE_ON_EXEC, 0, (long)line, 0) != 0) return NO_PROCESS;

  long cgroup;
  const long pid = fork_into(&cgroup, job->cgroup);
  if (pid == 0) {
    ask(CLOSE, line[0], 0, 0, 0, 0);
    begin_job(job, line[1]);
  }
  ask(CLOSE, line[1], 0, 0, 0, 0);
  char result = NO_PROCESS;
  if (pid > 0 && ask(READ, line[0], (long)&result, 1, 0, 0) != 1) result = NO_PROCESS;
  if (result == DONE && !claimed(job->claim)) result = CLAIM_LOST;
  if (result == DONE && !note_start(pid, cgroup < 0 ? 0 : job->cgroup)) result = NO_JOURNAL;
  if (result != DONE) {
    /* The job that was none ends by itself. */
    ask(CLOSE, line[0], 0, 0, 0, 0);
    if (pid > 0) exit_code_of(pid);
    if (*job->cgroup == '/') ask(UNLINKAT, HERE, (long)job->cgroup, 01000, 0, 0);
    return result;
  }
  reply(REPLIES, STARTED, request, 0);
  ask(CLOSE, REPLIES, 0, 0, 0, 0);
  ask(WRITE, line[0], (long)&result, 1, 0, 0);
  static struct line note;
  unsigned char obstacle;
  if (ask(READ, line[0], (long)&obstacle, 1, 0, 0) == 1)
    add(&note, "error "), add_number(&note, obstacle), add(&note, "\n");
  ask(CLOSE, line[0], 0, 0, 0, 0);
  const long code = exit_code_of(pid);
  add(&note, "exit "), add_number(&note, code), add(&note, "\n");
  return written(JOURNAL, &note) ? DONE : NO_JOURNAL;
}

/* ---- serve ---- */

/* A request: this head, the job's input, then texts that each end with a NUL: the claim, the folder, the user, the cgroup
   (a folder to make in a version 2 hierarchy, or -), the files for output, errors and journal, the arguments, and the
   environment. Paths are full, and the program has a slash. `size` counts what follows it. */
struct __attribute__((packed)) request { unsigned size, number, input, arguments; char rest[]; };
enum { REQUEST_SIZE = 1 << 22, TEXTS = 1 << 18 };

static char requests[REQUEST_SIZE] __attribute__((aligned(8)));
static char *texts[TEXTS + 2];

/* A file in memory, at its start: unlike a pipe it outlives the scheduler. */
static long input_of(const struct request *request) {
  if (request->input == 0) return ask(OPENAT, HERE, (long)"/dev/null", CLOSE_ON_EXEC, 0, 0);
  const long file = ask(MEMFD_CREATE, (long)"input", 1, 0, 0, 0);
  if (file < 0 || ask(WRITE, file, (long)request->rest, request->input, 0, 0) != request->input) return -1;
  ask(LSEEK, file, 0, 0, 0, 0);
  return file;
}

/* The supervisor of one request, in a process of its own. */
static long begin(const struct request *request) {
  const char *end = (const char *)&request->number + request->size;
  long count = 0, files[JOURNAL + 1];
  char **text = texts;
  for (char *at = (char *)request->rest + request->input; at < end; at++) {
    if (count == TEXTS) return USAGE;
    text[count++] = at;
    while (*at) at++;
  }
  enum { CLAIM, FOLDER, USER, CGROUP, FIRST_FILE, FIRST_ARGUMENT = FIRST_FILE + 3 };
  const long environment = FIRST_ARGUMENT + request->arguments;
  if (end[-1] || request->arguments == 0 || count < environment) return USAGE;
  /* The list of arguments ends with a null, where the environment begins. */
  for (long at = count; at >= environment; at--) text[at + 1] = text[at];
  text[environment] = 0;
  text[count + 1] = 0;
  const struct job job = {text[CLAIM], text[CGROUP], text[FOLDER], text[USER], text + FIRST_ARGUMENT,
                          text + environment + 1};
  /* A session and a group of its own, which nothing that is sent to the scheduler's reaches. */
  ask(SETSID, 0, 0, 0, 0, 0);
  ask(DUP3, OUTPUT, REPLIES, CLOSE_ON_EXEC, 0, 0);
  files[INPUT] = input_of(request);
  for (int file = OUTPUT; file <= JOURNAL; file++)
    files[file] = ask(OPENAT, HERE, (long)text[FIRST_FILE + file - OUTPUT], WRITE_ONLY | APPEND | NO_FOLLOW, 0, 0);
  for (int file = INPUT; file <= JOURNAL; file++) {
    /* Its folder was moved away: the launch was taken back. */
    if (files[file] == -ENTRY_MISSING) return CLAIM_LOST;
    if (files[file] < 0) return NO_PROCESS;
    ask(DUP3, files[file], file, file < JOURNAL ? 0 : CLOSE_ON_EXEC, 0, 0);
  }
  return supervise(&job, request->number);
}

static void reap(void) {
  enum { NO_HANG = 1 };
  int status;
  for (long pid; (pid = ask(WAIT4, -1, (long)&status, NO_HANG, 0, 0)) > 0;)
    reply(OUTPUT, ENDED, (unsigned)pid, status_code(status));
}

/* Until the scheduler is gone; supervisors stay. */
static long serve(void) {
  enum { REQUESTS = INPUT, ENDS = 3, READABLE = 1, HUNG_UP = 16 };
  struct { int file; short wanted, found; } ready[2] = {{REQUESTS, READABLE, 0}, {ENDS, READABLE, 0}};
  const u64 ends = 1ul << (SIG_CHLD - 1);
  unsigned long used = 0;
  close_from(ENDS);
  reset_signals();
  /* Nothing that can be blocked ends it or a supervisor, from whoever it comes. */
  block_signals(~0ul);
  if (ask(SIGNALFD4, -1, (long)&ends, sizeof ends, CLOSE_ON_EXEC | NON_BLOCKING, 0) != ENDS) return NO_PROCESS;
  for (;;) {
    ask(PPOLL, (long)ready, 2, 0, 0, sizeof(u64));
    if (ready[1].found) {
      static char signal[128];
      ask(READ, ENDS, (long)signal, sizeof signal, 0, 0);
      reap();
    }
    if (!ready[0].found) continue;
    const long count = ask(READ, REQUESTS, (long)(requests + used), REQUEST_SIZE - used, 0, 0);
    if (count <= 0) return DONE;
    used += (unsigned long)count;
    unsigned long from = 0;
    for (;;) {
      const struct request *request = (const struct request *)(requests + from);
      const unsigned long whole = used - from < sizeof *request ? sizeof *request : request->size + sizeof request->size;
      if (whole < sizeof *request || whole > REQUEST_SIZE) return USAGE;
      if (used - from < whole) break;
      const long pid = ask(CLONE, SIG_CHLD, 0, 0, 0, 0);
      if (pid == 0) leave(begin(request));
      reply(OUTPUT, pid < 0 ? NOT_FORKED : FORKED, request->number, (unsigned)(pid < 0 ? -pid : pid));
      from += whole;
    }
    used -= from;
    if (from > 0)
      for (unsigned long at = 0; at < used; at++) requests[at] = requests[from + at];
  }
}

/* ---- clear ---- */

/* How deep it goes; 4 KB of stack and a descriptor for each. What is deeper is brought up first. */
enum { DEPTH = 128, PASSES = 100000 };
static long top, brought_up;

/* A folder and never a link, and none on another file system; with all rights of its owner. */
static long open_folder(long above, const char *name) {
  enum { NO_CROSSING = 1, NO_LINKS = 4 };
  const long flags = FOLDER_ONLY | NO_FOLLOW | CLOSE_ON_EXEC;
  const u64 how[3] = {(u64)flags, 0, above == HERE ? 0 : NO_CROSSING | NO_LINKS};
  for (int again = 0;; again = 1) {
    long fd = ask(OPENAT2, above, (long)name, (long)how, sizeof how, 0);
    if (fd == -NO_SUCH_CALL) fd = ask(OPENAT, above, (long)name, flags, 0, 0);
    if (fd != -DENIED || again) return fd;
    /* Its owner may not look into it, but may change that: by the folder itself, which the name may not mean then. */
    const long found = ask(OPENAT, above, (long)name, flags | PATH_ONLY, 0, 0);
    static struct line path;
    path.used = 0;
    add(&path, "/proc/self/fd/");
    add_number(&path, found);
    if (found >= 0) ask(FCHMODAT, HERE, (long)path.text, 0700, 0, 0);
    ask(CLOSE, found, 0, 0, 0, 0);
  }
}

static int bring_up(long folder, const char *name) {
  enum { NO_REPLACE = 1 };
  static struct line place;
  for (long error = -EXISTS; error == -EXISTS;) {
    place.used = 0;
    add(&place, "carillon-deep-");
    add_number(&place, brought_up++);
    error = ask(RENAMEAT2, folder, (long)name, top, (long)place.text, NO_REPLACE);
    if (error == 0) return 1;
  }
  return 0;
}

/* Removes all that is in a folder, by descriptors: whatever is renamed meanwhile, it never gets out. */
static void empty(long folder, int depth) {
  enum { AS_FOLDER = 01000 };
  char entries[PATH_SIZE] __attribute__((aligned(8)));
  ask(FCHMOD, folder, 0700, 0, 0, 0);
  for (long count; (count = ask(GETDENTS64, folder, (long)entries, sizeof entries, 0, 0)) > 0;) {
    for (long at = 0; at < count; at += ((struct entry *)(entries + at))->size) {
      const char *name = ((struct entry *)(entries + at))->name;
      if (same(name, ".") || same(name, "..")) continue;
      if (ask(UNLINKAT, folder, (long)name, 0, 0, 0) != -IS_FOLDER) continue;
      if (ask(UNLINKAT, folder, (long)name, AS_FOLDER, 0, 0) == 0) continue;
      if (depth == DEPTH && bring_up(folder, name)) continue;
      const long inner = depth == DEPTH ? -1 : open_folder(folder, name);
      if (inner < 0) continue;
      empty(inner, depth + 1);
      ask(CLOSE, inner, 0, 0, 0, 0);
      ask(UNLINKAT, folder, (long)name, AS_FOLDER, 0, 0);
    }
  }
}

static long clear(const char *path, const char *user) {
  close_from(JOURNAL);
  top = open_folder(HERE, path);
  if (top == -ENTRY_MISSING) return DONE;
  if (top < 0 || !use_files_as(user)) return LEFT_BEHIND;
  /* Each pass brings up what lay deeper than the last one reached. */
  for (long pass = 0, before = -1; pass < PASSES && brought_up != before; pass++) {
    before = brought_up;
    ask(LSEEK, top, 0, 0, 0, 0);
    empty(top, 0);
  }
  return DONE;
}

/* ---- read ---- */

/* Where the file cannot be opened the number of the cause is printed. The program is not the user's: no other process of
   that user can stop it. */
static long read_as(char **arguments, char **environment) {
  const long group = ask(SETFSGID, -1, 0, 0, 0, 0), self = ask(SETFSUID, -1, 0, 0, 0, 0);
  if (!use_files_as(arguments[1])) return NO_USER;
  const long file = ask(OPENAT, HERE, (long)arguments[0], NON_BLOCKING | CLOSE_ON_EXEC, 0, 0);
  ask(SETFSUID, self, 0, 0, 0, 0);
  ask(SETFSGID, group, 0, 0, 0, 0);
  if (file < 0) {
    static struct line cause;
    add_number(&cause, -file);
    written(1, &cause);
    return DONE;
  }
  ask(DUP3, file, 0, 0, 0, 0);
  close_from(JOURNAL);
  become(arguments + 2, environment, -1);
  return NOT_FOUND;
}

/* ---- cut and move ---- */

/* A process that writes to a file holds its lock, for as long as it likes: the lock is waited for here, and not by a thread
   of the scheduler. logs/stream-file.ts has the steps. Descriptors: the output, the copy (NEXT), and the note of the cut. */
enum { PRINTED = 0, COPY = 1, NOTE = 3, FROM_START = 0, FROM_END = 2 };

/* Appends a range of the output to the copy, as far as the job has left it there. False: it cannot be read or written. */
static int copy(long from, long end) {
  static char block[1 << 16];
  ask(LSEEK, PRINTED, from, FROM_START, 0, 0);
  while (from < end) {
    const long most = end - from < (long)sizeof block ? end - from : (long)sizeof block;
    const long count = ask(READ, PRINTED, (long)block, most, 0, 0);
    if (count == 0) break;
    if (count < 0 || ask(WRITE, COPY, (long)block, count, 0, 0) != count) return 0;
    from += count;
  }
  return 1;
}

static long cut(char **arguments) {
  enum { TRIES = 16 };
  const char *digits = arguments[2];
  const long keep = number(&digits);
  long at = 0;
  close_from(NOTE + 1);
  /* Takes the lock, so a write in progress ends first, and all of it is copied or counted. */
  ask(FCHMOD, PRINTED, 0600, 0, 0, 0);
  /* A fast writer is always a little ahead. */
  for (int tries = 0; tries < TRIES; tries++) {
    const long end = ask(LSEEK, PRINTED, 0, FROM_END, 0, 0);
    if (end <= at) break;
    if (end - keep > at) {
      at = end - keep;
      ask(FTRUNCATE, COPY, 0, 0, 0, 0);
      ask(LSEEK, COPY, 0, FROM_START, 0, 0);
    }
    if (!copy(at, end)) return LEFT_BEHIND;
    at = end;
  }
  static struct line note;
  add_number(&note, at);
  add(&note, "\n");
  if (!written(NOTE, &note)) return LEFT_BEHIND;
  if (ask(RENAMEAT2, HERE, (long)arguments[0], HERE, (long)arguments[1], 0) != 0) return LEFT_BEHIND;
  return ask(FTRUNCATE, PRINTED, 0, 0, 0, 0) == 0 ? DONE : LEFT_BEHIND;
}

static long move(char **arguments) {
  return ask(RENAMEAT2, HERE, (long)arguments[0], HERE, (long)arguments[1], 0) == 0 ? DONE : LEFT_BEHIND;
}

__attribute__((used, noreturn)) void supervisor(long *stack) {
  const long count = stack[0];
  char **arguments = (char **)(stack + 1);
  char **environment = arguments + count + 1;
  if (count == 2 && same(arguments[1], "serve")) leave(serve());
  if (count == 4 && same(arguments[1], "clear")) leave(clear(arguments[2], arguments[3]));
  if (count >= 5 && same(arguments[1], "read")) leave(read_as(arguments + 2, environment));
  if (count == 5 && same(arguments[1], "cut")) leave(cut(arguments + 2));
  if (count == 4 && same(arguments[1], "move")) leave(move(arguments + 2));
  if (count >= 4 && same(arguments[1], "only")) {
    const char *first = arguments[2];
    close_from(number(&first));
    become(arguments + 3, environment, -1);
  }
  leave(USAGE);
  __builtin_unreachable();
}
