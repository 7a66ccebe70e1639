/*
 * The gate: holds a container's program back until it is told to go. `gate LEASE_MS PROGRAM [ARG…]`
 *
 * It waits on its standard input for a `g`, then becomes the program: same process, same environment, same
 * folder, standard input from /dev/null, as if it had never been there. It ends without having started anything
 * when its input ends (the scheduler is gone), when the lease has passed, when it is told to by URG (another
 * scheduler takes it back; a program that runs already ignores that signal), or by what ends programs politely.
 * It then says so, in its exit code and its only output: which of the two happened is decided here and nowhere else.
 *
 * No library, so that it runs in every image: an empty one too. gate-program.ts carries what comes out of
 *
 *   gcc -Os -std=gnu11 -ffreestanding -fno-builtin -fno-stack-protector -fno-pie -fno-ident
 *       -fno-asynchronous-unwind-tables -nostdlib -static -no-pie -s -o gate gate.c
 *       -Wl,-n,-z,noseparate-code,-z,noexecstack,--no-warn-rwx-segments,--build-id=none
 */

#define UNOPENED_CODE 97
static const char unopened_words[] = "carillon-gate: not opened\n";

enum { SIG_HUP = 1, SIG_INT = 2, SIG_QUIT = 3, SIG_TERM = 15, SIG_URG = 23 };
enum { NO_ENTRY = 2, NO_EXEC_FORMAT = 8, CLOSE_ON_EXEC = 02000000, HERE = -100, EXECUTABLE = 1, PATH_SIZE = 4096 };

#if defined(__x86_64__)
enum { READ = 0, WRITE = 1, RT_SIGPROCMASK = 14, EXECVE = 59, EXIT_GROUP = 231, OPENAT = 257, FACCESSAT = 269,
       PPOLL = 271, SIGNALFD4 = 289, DUP3 = 292 };
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call gate\n");
static long ask(long n, long a, long b, long c, long d, long e) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
enum { DUP3 = 24, FACCESSAT = 48, OPENAT = 56, READ = 63, WRITE = 64, PPOLL = 73, SIGNALFD4 = 74, EXIT_GROUP = 94,
       RT_SIGPROCMASK = 135, EXECVE = 221 };
__asm__(".globl _start\n_start: mov x0, sp\n bl gate\n");
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

struct poll { int fd; short wanted, found; };
struct time { long seconds, nanoseconds; };

static long length(const char *text) {
  long n = 0;
  while (text[n]) n++;
  return n;
}

static void say(int fd, const char *text) { ask(WRITE, fd, (long)text, length(text), 0, 0); }

static void leave(long code) {
  for (;;) ask(EXIT_GROUP, code, 0, 0, 0, 0);
}

static void unopened(void) {
  say(1, unopened_words);
  leave(UNOPENED_CODE);
}

/* What follows `PATH=`, or what engines give to programs that are not told. */
static const char *search_path(char **environment) {
  for (; *environment; environment++) {
    const char *e = *environment;
    if (e[0] == 'P' && e[1] == 'A' && e[2] == 'T' && e[3] == 'H' && e[4] == '=') return e + 5;
  }
  return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* The file that `program` means, or nothing when there is none that may be executed. */
static const char *find(const char *program, char **environment) {
  static char candidate[PATH_SIZE];
  for (const char *c = program; *c; c++)
    if (*c == '/') return ask(FACCESSAT, HERE, (long)program, EXECUTABLE, 0, 0) == 0 ? program : 0;
  const long name = length(program);
  if (name == 0) return 0;
  for (const char *from = search_path(environment);; from++) {
    long n = 0;
    for (; *from && *from != ':'; from++)
      if (n + name + 2 < PATH_SIZE) candidate[n++] = *from;
    /* An empty entry is the current folder. */
    if (n > 0) candidate[n++] = '/';
    for (long i = 0; i <= name; i++) candidate[n + i] = program[i];
    if (ask(FACCESSAT, HERE, (long)candidate, EXECUTABLE, 0, 0) == 0) return candidate;
    if (!*from) return 0;
  }
}

/* What a shell could read as a script: neither empty nor with a NUL where one would begin. */
static int is_text(const char *path) {
  char begin[128];
  const long file = ask(OPENAT, HERE, (long)path, CLOSE_ON_EXEC, 0, 0);
  const long count = file < 0 ? 0 : ask(READ, file, (long)begin, sizeof begin, 0, 0);
  for (long i = 0; i < count; i++)
    if (!begin[i]) return 0;
  return count > 0;
}

/* Returns when the gate is open; otherwise does not return. */
static void wait_for_opening(long lease_ms, unsigned long signals) {
  const long told = ask(SIGNALFD4, -1, (long)&signals, sizeof signals, CLOSE_ON_EXEC, 0);
  struct time left = {lease_ms / 1000, lease_ms % 1000 * 1000000};
  for (;;) {
    struct poll polls[2] = {{0, 1, 0}, {(int)told, 1, 0}};
    /* The kernel leaves in `left` what is left of it. */
    const long ready = ask(PPOLL, (long)polls, 2, (long)&left, 0, 0);
    char byte;
    if (ready == 0 || polls[1].found) unopened();
    if (ready < 0 || !polls[0].found) continue;
    if (ask(READ, 0, (long)&byte, 1, 0, 0) != 1) unopened();
    /* A proxy on the way may let through what was not meant for us. */
    if (byte == 'g') return;
  }
}

__attribute__((used, noreturn)) void gate(long *stack) {
  const long count = stack[0];
  char **arguments = (char **)(stack + 1);
  char **environment = arguments + count + 1;
  long lease_ms = 0;
  if (count < 3) unopened();
  for (const char *c = arguments[1]; *c >= '0' && *c <= '9'; c++) lease_ms = lease_ms * 10 + (*c - '0');
  const char *file = find(arguments[2], environment);
  if (!file) unopened();

  const unsigned long signals = 1ul << (SIG_HUP - 1) | 1ul << (SIG_INT - 1) | 1ul << (SIG_QUIT - 1) |
                                1ul << (SIG_TERM - 1) | 1ul << (SIG_URG - 1);
  unsigned long before = 0;
  ask(RT_SIGPROCMASK, 0, (long)&signals, (long)&before, sizeof signals, 0);
  wait_for_opening(lease_ms, signals);

  ask(DUP3, ask(OPENAT, HERE, (long)"/dev/null", CLOSE_ON_EXEC, 0, 0), 0, 0, 0, 0);
  /* What came since, ends it here or is ignored: it is the program's from now on. */
  ask(RT_SIGPROCMASK, 2, (long)&before, 0, sizeof before, 0);
  long error = ask(EXECVE, (long)file, (long)(arguments + 2), (long)environment, 0, 0);
  if (error == -NO_EXEC_FORMAT && is_text(file)) {
    /* A script without a first line that says what runs it: as execvp does. */
    arguments[1] = "/bin/sh";
    arguments[2] = (char *)file;
    error = ask(EXECVE, (long)"/bin/sh", (long)(arguments + 1), (long)environment, 0, 0);
  }
  say(2, "carillon-gate: cannot execute ");
  say(2, file);
  say(2, "\n");
  leave(error == -NO_ENTRY ? 127 : 126);
  __builtin_unreachable();
}
