/*
 * What a scheduler asks about launches that exist. At home it asks only for what needs their locks. On a host that is reached
 * through a connection, the agent serves launches as serve.h does, and does all that the scheduler does with its own files at
 * home. It ends with the connection, or when it has heard nothing for a minute; supervisors continue, and the next agent
 * finds their launches.
 *
 * The connection can stand still, so whatever blocks on it must not hold up a launch: supervisors report to a pipe of the
 * agent. Replies are written in pieces that a pipe takes whole.
 */

/* Requests beyond those of serve.h. Each has texts that end with a NUL. What they return is in pieces of kind DATA, then DONE,
   which has an error of the system or 0; both have the slot of the request. */
enum {
  LIST = 4,    /* every launch: its name and a NUL, then as HEAD */
  HEAD = 5,    /* NAME: what lives of it (one character), then its file up to its output */
  READ_PART = 6, /* PATH OFFSET LENGTH: bytes of the output, fewer at its end */
  SIZE = 7,    /* PATH: eight bytes */
  NOTE = 8,    /* NAME ID LINE: adds an order */
  END = 9,     /* NAME GRACE_MS: orders the kill by this host's clock, and tells the supervisor */
  END_NOW = 10, /* NAME: kills all that is left, for a supervisor that does not or is gone */
  REVOKE = 11, /* NAME ID: makes sure that it never starts; AGAIN if it has started, or its lock is another's */
  CLEAR = 12,  /* ID: empties the folder of a launch */
  REMOVE = 13, /* NAME ID: the parts of its output, then its file; AGAIN while its lock is another's */
  PING = 14    /* the wall clock in ms. Supervisors know that somebody watches. */
};
/* Without a request: CHANGED has the length of the name that follows, 0 if too much has happened to tell. */
enum { DATA = 7, HANDLED = 8, CHANGED = 9, HELLO = 10 };
enum { NOTHING_LIVES = '-', GROUP_LIVES = 'g', SUPERVISOR_LIVES = 's' };

/* ---- Replies ---- */

static void send(unsigned slot, const char *bytes, long size) {
  for (long at = 0; at < size; at += PIECE) {
    const long count = size - at < PIECE ? size - at : PIECE;
    tell(DATA, slot, (unsigned)count, bytes + at, count);
  }
}

/* ---- Launches ---- */

static long open_launch(const char *name, long flags) {
  return ask(OPENAT, HERE, (long)path_of(name), flags | NO_FOLLOW | NON_BLOCKING | CLOSE_ON_EXEC, 0, 0);
}

/* The file of a launch up to its output. Its record can have the names of 500 hosts. */
enum { HEAD_SIZE = 1 << 16 };
static char head[HEAD_SIZE + 1];
static long head_size;

/* The numbers of the processes that a launch noted, and when they began. */
static struct { long supervisor, supervisor_began, job, job_began; } noted;

static int is_of_this_boot(const char *at) {
  static struct line boot;
  if (boot.used == 0) add_first_line(&boot, "/proc/sys/kernel/random/boot_id");
  return begins(at, boot.text);
}

static void read_noted(void) {
  noted.supervisor = noted.job = 0;
  for (const char *line = head + NOTES; line < head + ORDERS && *line; line = next_line(line)) {
    const char *at = line + (begins(line, "job ") ? 4 : 6);
    if (begins(line, "job ")) noted.job = number(&at), at++, noted.job_began = number(&at);
    if (!begins(line, "start ")) continue;
    noted.supervisor = number(&at), at++;
    noted.supervisor_began = number(&at), at++;
    if (!is_of_this_boot(at)) noted.supervisor = noted.job = 0;
  }
  if (noted.supervisor == 0) noted.job = 0;
}

static int lives(long pid, long began) {
  static long fields[BEGAN + 1];
  return pid > 0 && stat_of(pid, fields) && fields[BEGAN] == began;
}

/* A group keeps its number while a process is in it. If its leader is another process, the number was given again. */
static int group_lives(void) {
  static long fields[BEGAN + 1];
  if (noted.job <= 0 || ask(KILL, -noted.job, 0, 0, 0, 0) == -3) return 0;
  return !stat_of(noted.job, fields) || fields[BEGAN] == noted.job_began;
}

static char what_lives(void) {
  if (lives(noted.supervisor, noted.supervisor_began)) return SUPERVISOR_LIVES;
  return group_lives() ? GROUP_LIVES : NOTHING_LIVES;
}

/* Returns an error of the system, or 0. */
static long read_head_of(long file) {
  const long count = ask(PREAD64, file, (long)head, HEAD_SIZE, 0, 0);
  if (count < 0) return -count;
  enum { BEGIN_AT = 18 };
  const char *at = head + BEGIN_AT;
  head[count] = 0;
  /* Cut off by a crash of the machine: nothing is left of what was read before. */
  for (long at = count; at < RECORD; at++) head[at] = 0;
  head_size = count > BEGIN_AT ? number(&at) : 0;
  if (head_size > count || head_size < RECORD) head_size = count;
  read_noted();
  return 0;
}

static long read_head(const char *name) {
  const long file = open_launch(name, 0);
  if (file < 0) return -file;
  const long error = read_head_of(file);
  ask(CLOSE, file, 0, 0, 0, 0);
  return error;
}

/* In `head`. A record that did not survive a crash of the machine has none, which is `-`. */
static int has_id(const char *id) {
  static const char key[] = "\"id\":\"";
  if (head_size <= RECORD || head[head_size - 1] != '\n') return same(id, "-");
  const char *at = head + RECORD;
  while (*at && !begins(at, key)) at++;
  if (!*at || !begins(at += sizeof key - 1, id)) return 0;
  while (*id) id++, at++;
  return *at == '"';
}

/* The launch of this id, and never one that was given its name since. Returns an error below 0. */
static long open_own(const char *name, const char *id) {
  const long file = open_launch(name, READ_WRITE);
  if (file < 0) return file;
  const long error = read_head_of(file);
  if (error == 0 && has_id(id)) return file;
  ask(CLOSE, file, 0, 0, 0, 0);
  return error == 0 ? -ENTRY_MISSING : -error;
}

static void send_head(unsigned slot, const char *name) {
  static char text[512 + HEAD_SIZE];
  long size = 0;
  if (name) {
    while (*name && size < 255) text[size++] = *name++;
    text[size++] = 0;
  }
  text[size++] = what_lives();
  for (long at = 0; at < head_size; at++) text[size++] = head[at];
  send(slot, text, size);
}

static long list(unsigned slot) {
  static char entries[1 << 15] __attribute__((aligned(8)));
  ask(LSEEK, LAUNCHES, 0, 0, 0, 0);
  for (long count; (count = ask(GETDENTS64, LAUNCHES, (long)entries, sizeof entries, 0, 0)) > 0;)
    for (long at = 0; at < count; at += ((struct entry *)(entries + at))->size) {
      const char *name = ((struct entry *)(entries + at))->name;
      if (*name == '.' || read_head(name) != 0) continue;
      send_head(slot, name);
      /* Launches differ in length: an empty piece ends each. */
      tell(DATA, slot, 0, 0, 0);
    }
  return 0;
}

/* Output is in `launches/NAME` and `tails/ID.N`: no other file is read. */
static long open_part(const char *path) {
  const char *rest = begins(path, "launches/") ? path + 9 : begins(path, "tails/") ? path + 6 : 0;
  if (!rest || *rest == '.' || !*rest) return -INVALID;
  for (const char *at = rest; *at; at++)
    if (*at == '/') return -INVALID;
  return ask(OPENAT, HERE, (long)path, NO_FOLLOW | NON_BLOCKING | CLOSE_ON_EXEC, 0, 0);
}

static long read_part(unsigned slot, const char *path, long offset, long length) {
  static char bytes[1 << 16];
  const long file = open_part(path);
  if (file < 0) return -file;
  long error = 0;
  while (length > 0) {
    const long count =
        ask(PREAD64, file, (long)bytes, length < (long)sizeof bytes ? length : (long)sizeof bytes, offset, 0);
    if (count < 0) error = -count;
    if (count <= 0) break;
    send(slot, bytes, count);
    offset += count, length -= count;
  }
  ask(CLOSE, file, 0, 0, 0, 0);
  return error;
}

static long size_of(unsigned slot, const char *path) {
  const long file = open_part(path);
  if (file < 0) return -file;
  const u64 size = (u64)ask(LSEEK, file, 0, 2, 0, 0);
  ask(CLOSE, file, 0, 0, 0, 0);
  send(slot, (const char *)&size, sizeof size);
  return 0;
}

/* ---- Orders ---- */

/* Of kills, there is room for a few; the earliest counts. */
enum { LAST_KILL = ORDERS + 768 };

static long add_order(long file, const char *line, long limit) {
  read_orders(file);
  long at = 0, size = 0;
  while (orders[at]) at++;
  while (line[size]) size++;
  long error = 0;
  if (ORDERS + at + size <= limit) {
    const long count = ask(PWRITE64, file, (long)line, size, ORDERS + at, 0);
    error = count == size ? 0 : count < 0 ? -count : NO_ROOM;
  }
  return error;
}

static long add_order_to(long file, const char *line, long limit) {
  if (file < 0) return -file;
  const long error = add_order(file, line, limit);
  ask(CLOSE, file, 0, 0, 0, 0);
  return error;
}

static long end(const char *name, const char *grace) {
  static struct line line;
  line.used = 0;
  add(&line, "kill "), add_time(&line), add(&line, " "), add(&line, grace), add(&line, "\n");
  const long error = add_order_to(open_launch(name, READ_WRITE), line.text, LAST_KILL);
  if (error != 0 || read_head(name) != 0) return error;
  const char is = what_lives();
  if (is == SUPERVISOR_LIVES) ask(KILL, noted.supervisor, SIG_USR1, 0, 0, 0);
  else if (is == GROUP_LIVES) ask(KILL, -noted.job, SIG_TERM, 0, 0, 0);
  return 0;
}

static long end_now(const char *name) {
  enum { SIG_CONT = 18 };
  if (read_head(name) != 0) return 0;
  const char is = what_lives();
  if (is == NOTHING_LIVES) return 0;
  /* First, because it says why there will be no exit code. */
  const long error = add_order_to(open_launch(name, READ_WRITE), "killed\n", RECORD);
  if (error != 0) return error;
  if (group_lives()) ask(KILL, -noted.job, SIG_KILL, 0, 0, 0);
  /* A job of the same user may have stopped it. */
  if (is == SUPERVISOR_LIVES) ask(KILL, noted.supervisor, SIG_CONT, 0, 0, 0);
  return 0;
}

/* A name of files is never a path. */
static int is_name(const char *text) {
  if (!*text || *text == '.') return 0;
  for (; *text; text++)
    if (*text == '/') return 0;
  return 1;
}

/* In a process of its own: a job may have left more than can be removed in a moment. */
static long clear_work(const char *id) {
  const long pid = ask(CLONE, SIG_CHLD, 0, 0, 0, 0);
  if (pid < 0) return -pid;
  if (pid > 0) return 0;
  static struct line path;
  add(&path, "work/"), add(&path, id);
  ask(SETSID, 0, 0, 0, 0, 0);
  const long result = clear(path.text, "-");
  enum { AS_FOLDER = 01000 };
  ask(UNLINKAT, HERE, (long)path.text, AS_FOLDER, 0, 0);
  leave(result);
  return 0;
}

/* ---- Under the lock ---- */

static int has_started(void) {
  for (const char *line = head + NOTES; *line; line = next_line(line))
    if (begins(line, "start ")) return 1;
  return 0;
}

/* `does` something with the file of the launch of this id, whose lock it has. Nothing is left to do if that is gone. */
static long locked(const char *name, const char *id, long (*does)(long file, const char *name, const char *id)) {
  const long file = open_own(name, id);
  if (file == -ENTRY_MISSING) return 0;
  if (file < 0) return -file;
  long error = -lock(file);
  if (error == 0) error = read_head_of(file);
  if (error == 0) error = does(file, name, id);
  ask(CLOSE, file, 0, 0, 0, 0);
  return error;
}

static long revoke(long file, const char *name, const char *id) {
  (void)name, (void)id;
  if (has_started()) return AGAIN;
  read_orders(file);
  if (is_revoked()) return 0;
  const long error = add_order(file, "revoked\n", RECORD);
  read_orders(file);
  return error == 0 && !is_revoked() ? NO_ROOM : error;
}

/* The name is free once it is gone, and not before: with the lock, it means this file. */
static long remove_launch(long file, const char *name, const char *id) {
  enum { NEWEST_AT = 25 };
  if (!has_name(file, name)) return 0;
  const char *at = head + NEWEST_AT;
  const long newest = number(&at);
  static struct line path;
  for (long part = newest > 2 ? newest - 2 : 1; part <= newest + 1; part++) {
    path.used = 0;
    add(&path, "tails/"), add(&path, id), add(&path, "."), add_number(&path, part);
    ask(UNLINKAT, HERE, (long)path.text, 0, 0, 0);
  }
  return -ask(UNLINKAT, HERE, (long)path_of(name), 0, 0, 0);
}

static long answer_ping(unsigned slot) {
  static struct line line;
  line.used = 0;
  const long file = ask(OPENAT, HERE, (long)"watched", WRITE_ONLY | CREATE | NO_FOLLOW | CLOSE_ON_EXEC, 0600, 0);
  ask(UTIMENSAT, file, 0, 0, 0, 0);
  ask(CLOSE, file, 0, 0, 0, 0);
  add_time(&line);
  send(slot, line.text, line.used);
  return file < 0 ? -file : 0;
}

/* ---- The agent ---- */

/* What it was asked. `texts` are its texts, of which each is there or empty. */
static void carry_out(const struct request *request) {
  const unsigned slot = request->slot;
  enum { MOST_TEXTS = 4 };
  const char *text[MOST_TEXTS] = {"", "", "", ""};
  const char *at = request->rest, *end_of_it = (const char *)&request->kind + request->size;
  if (at < end_of_it && end_of_it[-1] == 0)
    for (int count = 0; at < end_of_it && count < MOST_TEXTS; count++) {
      text[count] = at;
      while (*at) at++;
      at++;
    }
  const char *offset = text[1], *length = text[2];
  const unsigned kind = request->kind;
  const int is_of_launch = kind == HEAD || (kind >= NOTE && kind <= REMOVE);
  long error = INVALID;
  if (is_of_launch && !is_name(text[0])) error = INVALID;
  else if (kind == LIST) error = list(slot);
  else if (kind == HEAD && (error = read_head(text[0])) == 0) send_head(slot, 0);
  else if (kind == READ_PART) error = read_part(slot, text[0], number(&offset), number(&length));
  else if (kind == SIZE) error = size_of(slot, text[0]);
  else if (kind == NOTE) error = add_order_to(open_own(text[0], text[1]), text[2], RECORD);
  else if (kind == END) error = end(text[0], text[1]);
  else if (kind == END_NOW) error = end_now(text[0]);
  else if (kind == REVOKE) error = locked(text[0], text[1], revoke);
  else if (kind == CLEAR) error = clear_work(text[0]);
  else if (kind == REMOVE && is_name(text[1])) error = locked(text[0], text[1], remove_launch);
  else if (kind == PING) error = answer_ping(slot);
  tell(HANDLED, slot, (unsigned)error, 0, 0);
}

/* What supervisors say, in whole replies. */
static void pass_starts(void) {
  static unsigned replies[256][3];
  for (long count; (count = ask(READ, STARTS, (long)replies, sizeof replies, 0, 0)) > 0;)
    for (long at = 0; at < count / (long)sizeof *replies; at++)
      tell(replies[at][0], replies[at][1], replies[at][2], 0, 0);
}

/* A supervisor closes its file when it ends. */
static void tell_changes(void) {
  struct change { int watch; unsigned what, with, size; char name[]; };
  static char changes[1 << 14] __attribute__((aligned(8)));
  enum { OVERFLOW = 0x4000 };
  const long count = ask(READ, NOTIFY, (long)changes, sizeof changes, 0, 0);
  for (long at = 0; at + (long)sizeof(struct change) <= count;) {
    const struct change *change = (const struct change *)(changes + at);
    at += (long)(sizeof *change + change->size);
    long size = 0;
    if (!(change->what & OVERFLOW))
      while (size < change->size && change->name[size]) size++;
    if (size > 0 || change->what & OVERFLOW) tell(CHANGED, 0, (unsigned)size, change->name, size);
  }
}

static const char *value_of(char **environment, const char *name) {
  for (; *environment; environment++)
    if (begins(*environment, name)) return *environment;
  return "";
}

/* Texts that each end with a NUL: boot, version of the system, processors, memory, variables for jobs. */
static void greet(char **environment) {
  static const char *const variables[] = {"PATH=", "HOME=", "USER=", "LANG=", "TZ="};
  static struct line text;
  static u64 processors[128];
  long count = 0;
  add_first_line(&text, "/proc/sys/kernel/random/boot_id"), text.used++;
  add_first_line(&text, "/proc/sys/kernel/osrelease"), text.used++;
  const long bytes = ask(SCHED_GETAFFINITY, 0, sizeof processors, (long)processors, 0, 0);
  for (long at = 0; at < bytes / 8; at++)
    for (u64 rest = processors[at]; rest; rest &= rest - 1) count++;
  add_number(&text, count), text.used++;
  add_first_line(&text, "/proc/meminfo"), text.used++;
  for (unsigned at = 0; at < sizeof variables / sizeof *variables; at++) {
    add(&text, value_of(environment, variables[at]));
    if (text.used < PATH_SIZE - 1) text.text[text.used++] = 0;
  }
  const long size = text.used < PIECE ? text.used : PIECE;
  tell(HELLO, 0, (unsigned)size, text.text, size);
}

/* Makes the folder with those above it, and those in it; it becomes the current one. */
static int enter(const char *folder) {
  static const char *const inner[] = {"launches", "scratch", "tails", "work"};
  static struct line path;
  for (const char *at = folder; *at; at++) {
    path.text[path.used++] = *at;
    path.text[path.used] = 0;
    if (at[1] == '/' || at[1] == 0) ask(MKDIRAT, HERE, (long)path.text, 0700, 0, 0);
  }
  if (ask(CHDIR, (long)folder, 0, 0, 0, 0) != 0) return 0;
  for (int at = 0; at < 4; at++) ask(MKDIRAT, HERE, (long)inner[at], 0700, 0, 0);
  return 1;
}

/* Where `serve` hears of changes and starts. */
static int open_channels(void) {
  enum { ENDS_OF_WRITING = 8, SET_FLAGS = 4 };
  int starts[2];
  return ask(INOTIFY_INIT1, CLOSE_ON_EXEC | NON_BLOCKING, 0, 0, 0, 0) == NOTIFY &&
         ask(INOTIFY_ADD_WATCH, NOTIFY, (long)"launches", ENDS_OF_WRITING, 0, 0) >= 0 &&
         ask(PIPE2, (long)starts, CLOSE_ON_EXEC, 0, 0, 0) == 0 &&
         ask(FCNTL, STARTS, SET_FLAGS, NON_BLOCKING, 0, 0) == 0;
}

static long act(const char *folder, char **environment) {
  is_agent = 1;
  if (!enter(folder)) return NO_FOLDER;
  /* Supervisors keep it, and the connection must be able to close. */
  const long nowhere = ask(OPENAT, HERE, (long)"/dev/null", READ_WRITE, 0, 0);
  ask(DUP3, nowhere, ERRORS, 0, 0, 0);
  greet(environment);
  return serve();
}
