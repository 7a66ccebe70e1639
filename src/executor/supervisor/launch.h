/*
 * One launch: a file that holds what is known of it and what it printed, a supervisor that writes it, and the job.
 *
 * The file of a launch begins with areas of a fixed size, so that a full disk keeps no end from being noted:
 *
 *   status   one line: the number of this format, where the output begins, the newest part, the bytes dropped
 *   notes    lines of the supervisor     `start` once the job may run: who has that has started it
 *   orders   lines of schedulers         `revoked` (it shall never start), `kill WALL_MS GRACE_MS`
 *   record   JSON of the scheduler, then the output
 *
 * The output is a sequence of frames: time, size, stream, bytes. Each part ends where its bound is reached. The first part
 * is kept, and so are the last two of those that follow, `tails/ID.1`, `tails/ID.2`…; each begins with a frame that says
 * how many bytes of each stream came before it. logs/frames.ts reads them.
 */

enum { STATUS = 0, NOTES = 64, ORDERS = 1024, RECORD = 2048 };

struct job {
  /* `limited`: folders of cgroups with the job's limits, one on each line. `limits`: lines of a number of the system
     (RLIMIT_*), a soft and a hard limit, - for none. */
  const char *name, *id, *folder, *user, *cgroup, *limited, *limits;
  char **arguments, **environment;
  long first_bytes, part_bytes;
  /* The supervisor ends what runs this long by itself, unless a scheduler watches. 0: never. */
  long overtime_ms, grace_ms;
  int has_folder;
};

static long launch_file;

/* ---- Notes and orders ---- */

static long noted_bytes;

static int note(const struct line *line) {
  const long to = NOTES + noted_bytes;
  if (to + line->used > ORDERS) return 0;
  noted_bytes += line->used;
  return ask(PWRITE64, launch_file, (long)line->text, line->used, to, 0) == line->used;
}

static void add_time(struct line *line) {
  struct { long s, ns; } now;
  ask(CLOCK_GETTIME, 0, (long)&now, 0, 0, 0);
  add_number(line, now.s * 1000 + now.ns / 1000000);
}

static long monotonic_ms(void) {
  struct { long s, ns; } now;
  ask(CLOCK_GETTIME, 1, (long)&now, 0, 0, 0);
  return now.s * 1000 + now.ns / 1000000;
}

static char orders[RECORD - ORDERS + 1];

static void read_orders(long file) {
  const long count = ask(PREAD64, file, (long)orders, RECORD - ORDERS, ORDERS, 0);
  orders[count < 0 ? 0 : count] = 0;
}

static int begins(const char *text, const char *with) {
  while (*with && *text == *with) text++, with++;
  return !*with;
}

static const char *next_line(const char *at) {
  while (*at && *at != '\n') at++;
  return *at ? at + 1 : at;
}

static int is_revoked(void) {
  for (const char *line = orders; *line; line = next_line(line))
    if (begins(line, "revoked\n")) return 1;
  return 0;
}

/* ---- Names ---- */

static const char *path_of(const char *name) {
  static struct line path;
  path.used = 0;
  add(&path, "launches/"), add(&path, name);
  return path.text;
}

/* Of all that want to start a launch, to revoke it or to take its name away, one gets the lock of its file. So nobody else
   changes what its name means meanwhile. Returns an error below 0. */
static long lock(long file) {
  enum { EXCLUSIVE = 2, NOW = 4 };
  return ask(FLOCK, file, EXCLUSIVE | NOW, 0, 0, 0);
}

static void unlock(long file) {
  enum { UNLOCK = 8 };
  ask(FLOCK, file, UNLOCK, 0, 0, 0);
}

/* False if the name is gone, or was given to another launch. */
static int has_name(long file, const char *name) {
  enum { DEVICE = 0, INODE = 1, NO_LINK = 0x100 };
  static u64 own[32], named[32];
  return ask(FSTAT, file, (long)own, 0, 0, 0) == 0 &&
         ask(NEWFSTATAT, HERE, (long)path_of(name), (long)named, NO_LINK, 0) == 0 && own[DEVICE] == named[DEVICE] &&
         own[INODE] == named[INODE];
}

/* ---- Output ---- */

enum { FRAME = 16, BLOCK = 1 << 16, STREAMS = 2, POSITIONS = 3 };

#include "mask.h"

static long part_file, part_at, part, parts_bound;
static u64 printed[STREAMS];
/* Bytes that parts hold: of the first, and of all before each of the two newest. */
static u64 before_part[2], end_of_first;
/* Bytes of parts that were removed, and bytes that a full disk had no room for. */
static u64 removed, lost;
static char frame[FRAME + BLOCK];

static void part_path(struct line *path, const struct job *job, long number) {
  path->used = 0;
  add(path, "tails/"), add(path, job->id), add(path, "."), add_number(path, number);
}

/* Writes a whole frame or nothing. If the disk is full, the next frame that fits says how much is missing. */
static int write_frame(int stream, long size) {
  struct { long s, ns; } now;
  ask(CLOCK_GETTIME, 0, (long)&now, 0, 0, 0);
  *(u64 *)frame = (u64)now.s * 1000000000ul + (u64)now.ns;
  *(unsigned *)(frame + 8) = (unsigned)size;
  *(unsigned *)(frame + 12) = (unsigned)stream;
  const long count = ask(PWRITE64, part_file, (long)frame, FRAME + size, part_at, 0);
  if (count == FRAME + size) {
    part_at += count;
    return 1;
  }
  if (count > 0) ask(FTRUNCATE, part_file, part_at, 0, 0, 0);
  return 0;
}

static int is_missing_some;

static int write_positions(void) {
  static char kept[2 * sizeof(u64)];
  for (unsigned long at = 0; at < sizeof kept; at++) kept[at] = frame[FRAME + at];
  for (int stream = 0; stream < STREAMS; stream++) ((u64 *)(frame + FRAME))[stream] = printed[stream];
  const int done = write_frame(POSITIONS, sizeof kept);
  for (unsigned long at = 0; at < sizeof kept; at++) frame[FRAME + at] = kept[at];
  return done;
}

static void add_padded(struct line *line, u64 n, int digits) {
  line->used += digits;
  for (int at = 1; at <= digits; at++, n /= 10) line->text[line->used - at] = (char)('0' + n % 10);
  line->text[line->used] = 0;
}

static void note_parts(void) {
  enum { PART_AT = 25 };
  static struct line status;
  status.used = 0;
  add_padded(&status, (u64)part, 10), add(&status, " "), add_padded(&status, removed + lost, 15), add(&status, "\n");
  ask(PWRITE64, launch_file, (long)status.text, status.used, PART_AT, 0);
}

/* Begins the next part and removes the one before the last. If the disk has no room for it, output is dropped. */
static int begin_part(const struct job *job) {
  static struct line path;
  part_path(&path, job, part + 1);
  const long file = ask(OPENAT, HERE, (long)path.text, WRITE_ONLY | CREATE | CUT | NO_FOLLOW | CLOSE_ON_EXEC, 0600, 0);
  if (file < 0) return 0;
  const u64 before = printed[0] + printed[1] - lost;
  if (part == 0) end_of_first = before;
  else ask(CLOSE, part_file, 0, 0, 0, 0);
  part++;
  part_file = file;
  part_at = 0;
  parts_bound = job->part_bytes;
  before_part[part & 1] = before;
  is_missing_some = !write_positions();
  if (part > 2) removed = before_part[(part - 1) & 1] - end_of_first;
  note_parts();
  part_path(&path, job, part - 2);
  if (part > 2) ask(UNLINKAT, HERE, (long)path.text, 0, 0, 0);
  return 1;
}

static void lose(int stream, long size) {
  is_missing_some = 1;
  printed[stream] += (u64)size;
  lost += (u64)size;
  note_parts();
}

static void keep(int stream, long size) {
  if (size == 0) return;
  if (is_missing_some) is_missing_some = !write_positions();
  if (is_missing_some || !write_frame(stream, size)) return lose(stream, size);
  printed[stream] += (u64)size;
}

/* Keeps what a stream printed, which is at FRAME in `frame`. A part ends with a line if that line ends in this block. */
static void print(const struct job *job, int stream, long size) {
  char *bytes = frame + FRAME;
  if (size == 0) return;
  if (part_at + FRAME + size <= parts_bound) return keep(stream, size);
  long end = part_at < parts_bound ? size : 0;
  while (end > 0 && bytes[end - 1] != '\n') end--;
  keep(stream, end);
  for (long at = end; at < size; at++) bytes[at - end] = bytes[at];
  size -= end;
  if (begin_part(job)) keep(stream, size);
  else lose(stream, size);
}

/* ---- The job ---- */

/* Kinds of replies. A supervisor sends STARTED, the server all others. ENDED has the supervisor's process instead of a slot. */
enum { PREPARED = 1, TAKEN = 2, FAILED = 3, UNKNOWN = 4, STARTED = 5, ENDED = 6 };
static void reply(long to, unsigned kind, unsigned slot, unsigned value) {
  /* One write, so that replies of several processes never mix. */
  const unsigned words[3] = {kind, slot, value};
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

/* ---- Limits ---- */

/* The path of a file in the next of several folders, each on a line. False: there is no other. */
static int next_path(const char **folders, const char *file, struct line *path) {
  path->used = 0;
  for (; **folders && **folders != '\n'; ++*folders)
    if (path->used < PATH_SIZE - 1) path->text[path->used++] = **folders;
  if (**folders) ++*folders;
  if (path->used == 0) return 0;
  add(path, file);
  return 1;
}

/* Moves this process into the groups. */
static int join(const char *folders) {
  static struct line path;
  while (next_path(&folders, "/cgroup.procs", &path)) {
    const long file = ask(OPENAT, HERE, (long)path.text, WRITE_ONLY | CLOSE_ON_EXEC, 0, 0);
    const long count = ask(WRITE, file, (long)"0", 1, 0, 0);
    ask(CLOSE, file, 0, 0, 0, 0);
    if (count != 1) return 0;
  }
  return 1;
}

static int set_limits(const char *line) {
  const u64 UNLIMITED = ~0ul;
  lower_open_files();
  while (*line) {
    const long which = number(&line);
    u64 limit[2];
    for (int i = 0; i < 2; i++) {
      line++;
      limit[i] = *line == '-' ? line++, UNLIMITED : (u64)number(&line);
    }
    if (ask(PRLIMIT64, 0, which, (long)limit, 0, 0) != 0) return 0;
    line = next_line(line);
  }
  return 1;
}

/* How many processes of the groups were killed because memory was used up. */
static long killed_for_memory(const char *folders) {
  static const char *const files[] = {"/memory.events", "/memory.oom_control"};
  static struct line path;
  char text[512];
  long count = 0;
  for (int at = 0; at < 2; at++)
    for (const char *rest = folders; next_path(&rest, files[at], &path);) {
      const long file = ask(OPENAT, HERE, (long)path.text, CLOSE_ON_EXEC, 0, 0);
      const long size = ask(READ, file, (long)text, sizeof text - 1, 0, 0);
      ask(CLOSE, file, 0, 0, 0, 0);
      text[size < 0 ? 0 : size] = 0;
      for (const char *line = text; *line; line = next_line(line)) {
        const char *number_at = line + 9;
        if (begins(line, "oom_kill ")) count += number(&number_at);
      }
    }
  return count;
}

/* The job's process before it becomes the job. It reports on `line` whether it can start, and waits there for the reply. */
static void begin_job(const struct job *job, long line, long out, long errors) {
  enum { LINE = 3 };
  char result = DONE;
  /* A session and a group of its own, so that signals to its group never reach the supervisor. */
  ask(SETSID, 0, 0, 0, 0, 0);
  /* It keeps the scheduler's user until it may start: another process of the job's user could stop it, and the supervisor
     would wait. */
  ask(UMASK, 022, 0, 0, 0, 0);
  /* Before the limits: it may be allowed to have fewer files open than this needs. */
  ask(DUP3, out, OUTPUT, 0, 0, 0);
  ask(DUP3, errors, ERRORS, 0, 0, 0);
  /* Closes when the program starts. If the start fails, the supervisor reads the error from it. */
  ask(DUP3, line, LINE, CLOSE_ON_EXEC, 0, 0);
  close_from(LINE + 1);
  if (!join(job->limited) || !set_limits(job->limits)) result = NO_LIMITS;
  else if (!use_files_as(job->user)) result = NO_USER;
  else if (ask(CHDIR, (long)job->folder, 0, 0, 0, 0) != 0) result = NO_FOLDER;
  ask(WRITE, LINE, (long)&result, 1, 0, 0);
  if (ask(READ, LINE, (long)&result, 1, 0, 0) != 1) leave(DONE);
  if (!become_user(job->user)) leave(NO_USER);
  block_signals(0);
  become(job->arguments, job->environment, LINE);
}

/* Makes the cgroup and forks into it. `cgroup` is -1 if there is none. */
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
    /* Moving a process there later takes milliseconds. */
    const long pid = ask(CLONE3, (long)request, sizeof request, 0, 0, 0);
    if (pid >= 0) return pid;
    ask(CLOSE, *cgroup, 0, 0, 0, 0);
    *cgroup = -1;
  }
  return ask(CLONE, SIG_CHLD, 0, 0, 0, 0);
}

/* The size of a pipe with a place for one write. */
static long place;

/* A pipe for one stream. One write at a time is in it, so that the order in which the pipes became ready is the order of
   all writes; `end` is what the job gets. */
static long open_stream(const char *user_text, long *end) {
  enum { SET_FLAGS = 4, SET_PIPE_SIZE = 1031 };
  int ends[2];
  struct user user;
  if (ask(PIPE2, (long)ends, PACKETS | CLOSE_ON_EXEC, 0, 0, 0) != 0) return -1;
  const long size = ask(FCNTL, ends[1], SET_PIPE_SIZE, PATH_SIZE, 0, 0);
  place = size > 0 ? size : PATH_SIZE;
  ask(FCNTL, ends[0], SET_FLAGS, NON_BLOCKING | PACKETS, 0, 0);
  /* The job may open /dev/stderr again. */
  if (is_named(user_text, &user)) ask(FCHOWN, ends[1], user.uid, user.gid, 0, 0);
  *end = ends[1];
  return ends[0];
}

/* ---- Ends ---- */

struct usage { long user[2], system[2], peak, shared[3], faults[2], swaps, blocks[2], messages[2], signals, switches[2]; };

static struct { long user_us, system_us, peak_kib, blocks[2], switches[2]; } used;

static void add_usage(const struct usage *usage) {
  used.user_us += usage->user[0] * 1000000 + usage->user[1];
  used.system_us += usage->system[0] * 1000000 + usage->system[1];
  if (usage->peak > used.peak_kib) used.peak_kib = usage->peak;
  for (int i = 0; i < 2; i++) used.blocks[i] += usage->blocks[i], used.switches[i] += usage->switches[i];
}

static int status_code(int status) {
  return (status & 127) == 0 ? status >> 8 & 255 : 128 + (status & 127);
}

static void note_exit(int status) {
  static struct line line;
  add(&line, "exit "), add_number(&line, status_code(status)), add(&line, " "), add_time(&line), add(&line, "\n");
  note(&line);
}

static void note_end(long killed) {
  static struct line line;
  if (killed > 0) add(&line, "out-of-memory "), add_number(&line, killed), add(&line, "\n");
  const long values[] = {used.user_us, used.system_us, used.peak_kib, used.blocks[0], used.blocks[1], used.switches[0],
                         used.switches[1]};
  add(&line, "usage");
  for (unsigned i = 0; i < sizeof values / sizeof *values; i++) add(&line, " "), add_number(&line, values[i]);
  add(&line, "\ngone "), add_time(&line), add(&line, "\n");
  note(&line);
}

static int has_exited;

/* Collects processes that have ended, also those that the job left behind. False: none is left. */
static int reap(long job) {
  enum { NO_HANG = 1 };
  for (;;) {
    int status = 0;
    struct usage usage;
    const long pid = ask(WAIT4, -1, (long)&status, NO_HANG, (long)&usage, 0);
    if (pid <= 0) return pid != -NO_CHILD;
    add_usage(&usage);
    /* Once: from then on another process of the launch may get its number. */
    if (pid == job && !has_exited) has_exited = 1, note_exit(status);
  }
}

/* ---- Kill ---- */

enum { MOST = 4096 };
static int living[MOST];
static long living_count;

/* Each thread of a process has children of its own. */
static void add_children(long pid, long thread) {
  static struct line path;
  path.used = 0;
  add(&path, "/proc/"), add_number(&path, pid), add(&path, "/task/"), add_number(&path, thread), add(&path, "/children");
  const long file = ask(OPENAT, HERE, (long)path.text, CLOSE_ON_EXEC, 0, 0);
  if (file < 0) return;
  char bytes[512];
  int child = 0;
  for (long count; (count = ask(READ, file, (long)bytes, sizeof bytes, 0, 0)) > 0;)
    for (long at = 0; at < count; at++) {
      if (bytes[at] >= '0' && bytes[at] <= '9') child = child * 10 + bytes[at] - '0';
      else if (child && living_count < MOST) living[living_count++] = child, child = 0;
    }
  ask(CLOSE, file, 0, 0, 0, 0);
}

static void find_children(long pid) {
  static struct line path;
  path.used = 0;
  add(&path, "/proc/"), add_number(&path, pid), add(&path, "/task");
  const long folder = ask(OPENAT, HERE, (long)path.text, FOLDER_ONLY | CLOSE_ON_EXEC, 0, 0);
  if (folder < 0) return;
  char entries[1024] __attribute__((aligned(8)));
  for (long count; (count = ask(GETDENTS64, folder, (long)entries, sizeof entries, 0, 0)) > 0;)
    for (long at = 0; at < count; at += ((struct entry *)(entries + at))->size) {
      const char *name = ((struct entry *)(entries + at))->name;
      if (*name != '.') add_children(pid, number(&name));
    }
  ask(CLOSE, folder, 0, 0, 0, 0);
}

/* Signals every process of the launch. The job's group gets the signal at once, so that a member that ends first starts
   no other. The job keeps its number until it is collected, so the group is right even if the system lists no children. */
static void signal_all(long job, long signal) {
  static long fields[BEGAN + 1];
  int has_group = !has_exited;
  living_count = 0;
  find_children(ask(GETPID, 0, 0, 0, 0, 0));
  for (long at = 0; at < living_count; at++) find_children(living[at]);
  for (long at = 0; at < living_count; at++) {
    if (!stat_of(living[at], fields) || fields[GROUP] != job) continue;
    has_group = 1;
    living[at] = 0;
  }
  if (has_group) ask(KILL, -job, signal, 0, 0, 0);
  for (long at = 0; at < living_count; at++)
    if (living[at]) ask(KILL, living[at], signal, 0, 0, 0);
}

static void kill_all(long job, const char *cgroup) {
  static struct line path;
  if (cgroup && path.used == 0) add(&path, cgroup), add(&path, "/cgroup.kill");
  const long file = cgroup ? ask(OPENAT, HERE, (long)path.text, WRITE_ONLY | CLOSE_ON_EXEC, 0, 0) : -1;
  if (file >= 0) ask(WRITE, file, (long)"1", 1, 0, 0), ask(CLOSE, file, 0, 0, 0, 0);
  signal_all(job, SIG_KILL);
}

/* Sets the deadline of the kills that schedulers ordered: the earliest counts. Returns the number of orders. */
static long kill_orders(long *deadline_ms) {
  struct { long s, ns; } now;
  long count = 0;
  ask(CLOCK_GETTIME, 0, (long)&now, 0, 0, 0);
  read_orders(launch_file);
  for (const char *line = orders; *line; line = next_line(line)) {
    if (!begins(line, "kill ")) continue;
    const char *at = line + 5;
    const long by = number(&at);
    if (*at++ != ' ') continue;
    const long grace = number(&at);
    if (*at != '\n') continue;
    count++;
    long left = by + grace - (now.s * 1000 + now.ns / 1000000);
    /* Wall clocks jump; the grace must not become longer. */
    if (left > grace) left = grace;
    if (left < 0) left = 0;
    if (*deadline_ms < 0 || monotonic_ms() + left < *deadline_ms) *deadline_ms = monotonic_ms() + left;
  }
  return count;
}

/* ---- The supervisor ---- */

#if defined(__x86_64__)
struct __attribute__((packed)) ready { unsigned events; u64 which; };
#else
struct ready { unsigned events; u64 which; };
#endif
enum { READABLE = 1, EDGES = 1u << 31, SIGNAL = STREAMS + 1 };

/* Reads as many writes as the pipe has room for: one, unless a process made it larger. Later writes cause events of their
   own, so a job that prints without a pause does not keep the supervisor here. */
static void read_stream(const struct job *job, long from, int stream) {
  enum { PIPE_SIZE = 1032 };
  long places = ask(FCNTL, from, PIPE_SIZE, 0, 0, 0) / place;
  do {
    char *bytes = frame + FRAME;
    const long before = with_held(bytes, stream);
    const long count = ask(READ, from, (long)(bytes + before), BLOCK - before, 0, 0);
    if (count <= 0) return;
    print(job, stream, mask(bytes, before + count, stream, 0));
  } while (--places > 0);
}

/* Nothing more is printed: what was held back is no secret. */
static void print_held(const struct job *job, int stream) {
  char *bytes = frame + FRAME;
  const long count = with_held(bytes, stream);
  print(job, stream, mask(bytes, count, stream, 1));
}

/* Opens the sources of events: signals and both streams. False: the system lacks a resource. */
static int open_events(const long streams[STREAMS], long *signals, long *events) {
  enum { ADD = 1 };
  const u64 wanted = 1ul << (SIG_CHLD - 1) | 1ul << (SIG_USR1 - 1);
  *signals = ask(SIGNALFD4, -1, (long)&wanted, sizeof wanted, CLOSE_ON_EXEC | NON_BLOCKING, 0);
  *events = ask(EPOLL_CREATE1, CLOSE_ON_EXEC, 0, 0, 0, 0);
  struct ready signal = {READABLE, SIGNAL};
  int done = ask(EPOLL_CTL, *events, ADD, *signals, (long)&signal, 0) == 0;
  for (u64 which = 0; which < STREAMS; which++) {
    struct ready stream = {READABLE | EDGES, which};
    done &= ask(EPOLL_CTL, *events, ADD, streams[which], (long)&stream, 0) == 0;
  }
  return done;
}

/* For how long this launch is a scheduler's to end: schedulers touch a file while they watch. They know what timeout the job
   has now, which may have been changed since its start. */
static long watched_ms(void) {
  enum { MODIFIED = 11, PATIENCE_MS = 60000 };
  u64 stat[32];
  struct { long s, ns; } now;
  const long file = ask(OPENAT, HERE, (long)"watched", NO_FOLLOW | CLOSE_ON_EXEC, 0, 0);
  if (file < 0) return 0;
  const long error = ask(FSTAT, file, (long)stat, 0, 0, 0);
  ask(CLOSE, file, 0, 0, 0, 0);
  if (error != 0) return 0;
  ask(CLOCK_GETTIME, 0, (long)&now, 0, 0, 0);
  const long left = ((long)stat[MODIFIED] - now.s) * 1000 + PATIENCE_MS;
  /* Wall clocks jump. */
  return left > PATIENCE_MS ? PATIENCE_MS : left;
}

/* Handles output, ends and orders until no process of the launch is left. */
static void watch(const struct job *job, long pid, const long streams[STREAMS], long signals, long events,
                  const char *cgroup) {
  /* The system counts the milliseconds of a wait in 32 bits. */
  enum { KILL_AGAIN_MS = 50, LONGEST_WAIT_MS = 1 << 30 };
  long deadline = -1, orders_seen = 0;
  long overtime = job->overtime_ms == 0 ? -1 : monotonic_ms() + job->overtime_ms;
  int is_killed = 0, is_first = 1;
  for (;;) {
    const long next = deadline >= 0 ? deadline : overtime;
    long wait = next < 0 ? -1 : next - monotonic_ms();
    if (wait > LONGEST_WAIT_MS) wait = LONGEST_WAIT_MS;
    struct ready found[STREAMS + 1];
    /* The first round does not wait: a process may have ended, or a kill been ordered, before the signals were watched. */
    const long count =
        ask6(EPOLL_PWAIT, events, (long)found, STREAMS + 1, is_first || (next >= 0 && wait < 0) ? 0 : wait, 0, 8);
    int is_told = is_first;
    is_first = 0;
    for (long at = 0; at < count; at++) {
      if (found[at].which == SIGNAL) is_told = 1;
      else read_stream(job, streams[found[at].which], (int)found[at].which);
    }
    if (is_told) {
      static char what[128];
      while (ask(READ, signals, (long)what, sizeof what, 0, 0) > 0) continue;
      if (!reap(pid)) break;
      const long given = kill_orders(&deadline);
      if (given > orders_seen && !is_killed) signal_all(pid, SIG_TERM);
      orders_seen = given;
    }
    if (deadline < 0 && overtime >= 0 && monotonic_ms() >= overtime) {
      const long left = watched_ms();
      if (left > 0) {
        overtime = monotonic_ms() + left;
        continue;
      }
      static struct line line;
      add(&line, "overtime\n"), note(&line);
      signal_all(pid, SIG_TERM);
      deadline = monotonic_ms() + job->grace_ms;
    }
    if (deadline >= 0 && monotonic_ms() >= deadline) {
      static struct line line;
      if (!is_killed) add(&line, "killed\n"), note(&line);
      is_killed = 1;
      kill_all(pid, cgroup);
      deadline = monotonic_ms() + KILL_AGAIN_MS;
      if (!reap(pid)) break;
    }
  }
  for (int stream = 0; stream < STREAMS; stream++) read_stream(job, streams[stream], stream), print_held(job, stream);
  if (is_missing_some) write_positions();
}

/* The lines of the start, but for its time: reading them from the system takes longer than all that is left to do then. */
static int identify(struct line *line, long pid, int has_cgroup) {
  static long fields[BEGAN + 1];
  const long self = ask(GETPID, 0, 0, 0, 0, 0);
  if (has_cgroup) add(line, "in-cgroup\n");
  int known = stat_of(pid, fields);
  add(line, "job "), add_number(line, pid), add(line, " "), add_number(line, fields[BEGAN]);
  known &= stat_of(self, fields);
  add(line, "\nstart "), add_number(line, self), add(line, " "), add_number(line, fields[BEGAN]), add(line, " ");
  return known & add_first_line(line, "/proc/sys/kernel/random/boot_id");
}

/* One write, with `start` last: a reader that finds it has the other lines too. */
static int note_start(struct line *line) {
  add(line, " "), add_time(line), add(line, "\n");
  return note(line);
}

/* A supervisor that may start its job keeps the lock for its whole life. */
static int claimed(const char *name) {
  if (lock(launch_file) != 0) return 0;
  read_orders(launch_file);
  if (!is_revoked() && has_name(launch_file, name)) return 1;
  unlock(launch_file);
  return 0;
}

/* Waits for an instant of the wall clock: the lower 32 bits of its milliseconds, or 0 for none. If it is not within a second,
   it has passed or the clock was set. */
static void wait_for(unsigned instant) {
  enum { MOMENT_MS = 1000, NS_PER_MS = 1000000 };
  while (instant) {
    struct { long s, ns; } now, rest = {0, 0};
    ask(CLOCK_GETTIME, 0, (long)&now, 0, 0, 0);
    const int left_ms = (int)(instant - (unsigned)(now.s * 1000 + now.ns / NS_PER_MS));
    if (left_ms <= 0 || left_ms >= MOMENT_MS) return;
    rest.ns = (long)left_ms * NS_PER_MS - now.ns % NS_PER_MS;
    ask(PPOLL, 0, 0, (long)&rest, 0, 0);
  }
}

/* Runs the launch until none of its processes is left. The job waits at `gate`, and for the instant that comes through it.
   Returns the supervisor's exit code. */
static long supervise(const struct job *job, long gate, unsigned number, long begin) {
  enum { UNIX = 1, STREAM = 1, SUBREAPER = 36 };
  long streams[STREAMS], ends[STREAMS], signals, events, cgroup;
  int line[2];
  struct user user;
  ask(PRCTL, SUBREAPER, 1, 0, 0, 0);
  part_file = launch_file;
  part_at = begin;
  parts_bound = begin + job->first_bytes;
  if (job->has_folder) {
    ask(MKDIRAT, HERE, (long)job->folder, 0700, 0, 0);
    if (is_named(job->user, &user)) ask(FCHOWNAT, HERE, (long)job->folder, user.uid, user.gid, 0);
  }
  for (int stream = 0; stream < STREAMS; stream++)
    if ((streams[stream] = open_stream(job->user, &ends[stream])) < 0) return NO_PROCESS;
  if (!open_events(streams, &signals, &events)) return NO_PROCESS;
  if (ask(SOCKETPAIR, UNIX, STREAM | CLOSE_ON_EXEC, 0, (long)line, 0) != 0) return NO_PROCESS;
  const long pid = fork_into(&cgroup, job->cgroup);
  if (pid == 0) {
    ask(CLOSE, line[0], 0, 0, 0, 0);
    begin_job(job, line[1], ends[0], ends[1]);
  }
  ask(CLOSE, line[1], 0, 0, 0, 0);
  for (int stream = 0; stream < STREAMS; stream++) ask(CLOSE, ends[stream], 0, 0, 0, 0);
  char result = NO_PROCESS;
  unsigned instant;
  if (pid > 0 && ask(READ, line[0], (long)&result, 1, 0, 0) != 1)
    result = killed_for_memory(job->limited) > 0 ? NO_MEMORY : NO_PROCESS;
  if (result == DONE && (ask(READ, gate, (long)&instant, sizeof instant, 0, 0) != sizeof instant || !claimed(job->name)))
    result = CLAIM_LOST;
  static struct line start;
  if (result == DONE && !identify(&start, pid, cgroup >= 0)) result = NO_FILE;
  if (result == DONE) wait_for(instant);
  if (result == DONE && !note_start(&start)) result = NO_FILE;
  if (result != DONE) {
    /* Without the reply, the job's process ends by itself. */
    ask(CLOSE, line[0], 0, 0, 0, 0);
    if (pid > 0) ask(WAIT4, pid, 0, 0, 0, 0);
  } else {
    reply(OUTPUT, STARTED, number, 0);
    ask(DUP3, INPUT, OUTPUT, 0, 0, 0);
    ask(WRITE, line[0], (long)&result, 1, 0, 0);
    unsigned char obstacle;
    static struct line error;
    if (ask(READ, line[0], (long)&obstacle, 1, 0, 0) == 1)
      add(&error, "error "), add_number(&error, obstacle), add(&error, "\n"), note(&error);
    ask(CLOSE, line[0], 0, 0, 0, 0);
    watch(job, pid, streams, signals, events, cgroup < 0 ? 0 : job->cgroup);
    note_end(killed_for_memory(job->limited));
  }
  enum { AS_FOLDER = 01000 };
  static struct line group;
  for (const char *rest = job->limited; next_path(&rest, "", &group);)
    ask(UNLINKAT, HERE, (long)group.text, AS_FOLDER, 0, 0);
  if (*job->cgroup == '/') ask(UNLINKAT, HERE, (long)job->cgroup, AS_FOLDER, 0, 0);
  if (job->has_folder) ask(UNLINKAT, HERE, (long)job->folder, AS_FOLDER, 0, 0);
  return result;
}
