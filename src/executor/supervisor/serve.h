/*
 * Starts launches on request of the scheduler, whose folder is the current one. Each has two steps, so that the scheduler
 * can prove that it still leads once nobody else can have the name: PREPARE makes the launch's file and its supervisor,
 * and GO lets the job start. In between, the job waits at its gate.
 */

/* A request: this head, two texts of given sizes (the beginning of the launch's file, the job's input), then texts that
   each end with a NUL: the texts to mask (mask.h), name, id, folder, `own` if the folder is to be made, user, cgroup (a folder to make in a version 2
   hierarchy, or -), groups with limits and limits of the system (launch.h), after how many milliseconds it is ended and its
   grace, the bounds of the first and of each further part of the output, the arguments, and the environment.
   The program has a slash. `size` counts what follows it. GO has only the head, with the time of the start or 0 (launch.h). */
enum { PREPARE = 1, GO = 2, DROP = 3 };
struct __attribute__((packed)) request {
  unsigned size, kind, slot, file, input;
  union { unsigned arguments, instant; };
  char rest[];
};
enum { REQUEST_SIZE = 1 << 23, TEXTS = 1 << 18, SLOTS = 1 << 16, BATCH = 256 };
enum { MASKS, NAME, ID, FOLDER, OWN, USER, CGROUP, LIMITED, LIMITS, OVERTIME, GRACE, FIRST_BYTES,
       PART_BYTES, FIRST_ARGUMENT };

static char requests[REQUEST_SIZE] __attribute__((aligned(8)));
static char *texts[TEXTS + 2];
/* By slot: the pipe through which the job is let go. */
static int gates[SLOTS];
/* Launches of this batch. They are reported once their names are on disk. */
static struct { unsigned slot, pid; } prepared[BATCH];
static long prepared_count;
enum { SIGNALS_OF_ENDS = 3, LAUNCHES = 4, NOTIFY = 5, STARTS = 6, STARTS_END = 7 };

/* ---- On another host: agent.h ---- */

static int is_agent;
static void carry_out(const struct request *request);
static void pass_starts(void);
static void tell_changes(void);
static int open_channels(void);

enum { PIECE = 4000, IDLE_MS = 60000 };

/* A reply, with bytes that follow it. The connection of an agent can stand still: then it ends. */
static void tell(unsigned kind, unsigned slot, unsigned value, const char *bytes, long size) {
  enum { WRITABLE = 4 };
  static struct __attribute__((packed)) { unsigned kind, slot, value; char bytes[PIECE]; } piece;
  struct { int file; short wanted, found; } out = {OUTPUT, WRITABLE, 0};
  struct { long s, ns; } patience = {IDLE_MS / 1000, 0};
  if (is_agent && ask(PPOLL, (long)&out, 1, (long)&patience, 0, sizeof(u64)) != 1) leave(DONE);
  piece.kind = kind, piece.slot = slot, piece.value = value;
  for (long at = 0; at < size; at++) piece.bytes[at] = bytes[at];
  ask(WRITE, OUTPUT, (long)&piece, 12 + size, 0, 0);
}

/* The job's input as a file in memory. Unlike a pipe, it outlives the scheduler. */
static long input_of(const struct request *request) {
  if (request->input == 0) return ask(OPENAT, HERE, (long)"/dev/null", CLOSE_ON_EXEC, 0, 0);
  const long file = ask(MEMFD_CREATE, (long)"input", 1, 0, 0, 0);
  if (file < 0) return -1;
  if (ask(WRITE, file, (long)(request->rest + request->file), request->input, 0, 0) != request->input) return -1;
  ask(LSEEK, file, 0, 0, 0, 0);
  return file;
}

/* Finds the texts of a request. False: it is malformed. A null ends the arguments, before the environment. */
static int read_texts(const struct request *request) {
  const char *end = (const char *)&request->kind + request->size;
  char *at = (char *)request->rest + request->file + request->input;
  const long environment = FIRST_ARGUMENT + request->arguments;
  long count = 0;
  if (at >= end || end[-1]) return 0;
  for (; at < end; at++) {
    if (count == environment) texts[count++] = 0;
    if (count >= TEXTS) return 0;
    texts[count++] = at;
    while (*at) at++;
  }
  if (count == environment) texts[count++] = 0;
  texts[count] = 0;
  return request->arguments > 0 && count > environment;
}

static long number_in(long text) {
  const char *at = texts[text];
  return number(&at);
}

/* The supervisor of one request, in a process of its own. */
static long begin(const struct request *request, long gate) {
  enum { FILE = 3, GATE = 4, FIRST_UNKNOWN = 5 };
  const struct job job = {texts[NAME],    texts[ID],
                          texts[FOLDER],  texts[USER],
                          texts[CGROUP],
                          texts[LIMITED], texts[LIMITS],
                          texts + FIRST_ARGUMENT, texts + FIRST_ARGUMENT + request->arguments + 1,
                          number_in(FIRST_BYTES), number_in(PART_BYTES),
                          number_in(OVERTIME),    number_in(GRACE),
                          same(texts[OWN], "own")};
  /* A session and a group of its own: signals to the scheduler's group do not reach it. */
  ask(SETSID, 0, 0, 0, 0, 0);
  ask(DUP3, launch_file, FILE, CLOSE_ON_EXEC, 0, 0);
  ask(DUP3, gate, GATE, CLOSE_ON_EXEC, 0, 0);
  if (is_agent) ask(DUP3, STARTS_END, OUTPUT, 0, 0, 0);
  launch_file = FILE;
  close_from(FIRST_UNKNOWN);
  const long input = input_of(request);
  if (input < 0 || !read_masks(texts[MASKS], texts[NAME] - 1)) return NO_PROCESS;
  ask(DUP3, input, INPUT, 0, 0, 0);
  ask(CLOSE, input, 0, 0, 0, 0);
  return supervise(&job, GATE, request->slot, request->file);
}

/* Creates the file. It gets its name only when its beginning is complete. Returns its descriptor, or an error below 0. */
static long make_file(const struct request *request) {
  static struct line scratch;
  scratch.used = 0;
  add(&scratch, "scratch/"), add(&scratch, texts[ID]);
  const long file =
      ask(OPENAT, HERE, (long)scratch.text, READ_WRITE | CREATE | ONLY_NEW | CLOSE_ON_EXEC, 0600, 0);
  if (file < 0) return file;
  const long count = ask(WRITE, file, (long)request->rest, request->file, 0, 0);
  long result = count < 0 ? count : count == request->file ? 0 : -NO_ROOM;
  if (result == 0) result = ask(LINKAT, HERE, (long)scratch.text, HERE, (long)path_of(texts[NAME]), 0);
  ask(UNLINKAT, HERE, (long)scratch.text, 0, 0, 0);
  if (result == 0) return file;
  ask(CLOSE, file, 0, 0, 0, 0);
  return result;
}

static void prepare(const struct request *request) {
  int gate[2];
  long error = 0;
  if (!read_texts(request)) error = -INVALID;
  else if ((launch_file = make_file(request)) < 0) error = launch_file;
  if (error == 0) {
    error = ask(PIPE2, (long)gate, CLOSE_ON_EXEC, 0, 0, 0);
    const long pid = error < 0 ? error : ask(CLONE, SIG_CHLD, 0, 0, 0, 0);
    if (pid == 0) leave(begin(request, gate[0]));
    if (error == 0) ask(CLOSE, gate[0], 0, 0, 0, 0);
    ask(CLOSE, launch_file, 0, 0, 0, 0);
    if (pid > 0) {
      gates[request->slot] = gate[1];
      prepared[prepared_count].slot = request->slot;
      prepared[prepared_count++].pid = (unsigned)pid;
      return;
    }
    if (error == 0) ask(CLOSE, gate[1], 0, 0, 0, 0);
    error = pid;
  }
  tell(error == -EXISTS ? TAKEN : FAILED, request->slot, (unsigned)-error, 0, 0);
}

static void open_gate(unsigned slot, int go, unsigned instant) {
  if (gates[slot] == 0) return;
  if (go) ask(WRITE, gates[slot], (long)&instant, sizeof instant, 0, 0);
  ask(CLOSE, gates[slot], 0, 0, 0, 0);
  gates[slot] = 0;
}

/* Makes the names of a batch durable with one write to the disk, then reports them. */
static void tell_prepared(void) {
  if (prepared_count == 0) return;
  const long error = ask(FSYNC, LAUNCHES, 0, 0, 0, 0);
  for (long at = 0; at < prepared_count; at++) {
    if (error == 0) tell(PREPARED, prepared[at].slot, prepared[at].pid, 0, 0);
    else open_gate(prepared[at].slot, 0, 0), tell(UNKNOWN, prepared[at].slot, (unsigned)-error, 0, 0);
  }
  prepared_count = 0;
}

static void tell_ends(void) {
  enum { NO_HANG = 1 };
  int status;
  for (long pid; (pid = ask(WAIT4, -1, (long)&status, NO_HANG, 0, 0)) > 0;) {
    /* A start is told before its end. */
    if (is_agent) pass_starts();
    tell(ENDED, (unsigned)pid, (unsigned)status_code(status), 0, 0);
  }
}

/* Handles complete requests. Returns their number of bytes, or -1 if one is malformed. */
static long handle(const char *from, unsigned long size) {
  unsigned long at = 0;
  while (size - at >= sizeof(struct request)) {
    const struct request *request = (const struct request *)(from + at);
    const unsigned long whole = request->size + sizeof request->size;
    if (whole < sizeof *request || whole > REQUEST_SIZE || request->slot >= SLOTS ||
        request->file > whole || request->input > whole) return -1;
    if (size - at < whole) break;
    if (request->kind == PREPARE) prepare(request);
    else if (request->kind == GO || request->kind == DROP) 
      open_gate(request->slot, request->kind == GO, request->instant);
    else carry_out(request);
    if (prepared_count == BATCH) tell_prepared();
    at += whole;
  }
  tell_prepared();
  return (long)at;
}

/* Serves until the scheduler is gone. Supervisors continue. */
static long serve(void) {
  enum { HEARD, ENDS, CHANGES, BEGUN, SOURCES };
  struct { int file; short wanted, found; } ready[SOURCES] = {
      {INPUT, READABLE, 0}, {SIGNALS_OF_ENDS, READABLE, 0}, {NOTIFY, READABLE, 0}, {STARTS, READABLE, 0}};
  const u64 ends = 1ul << (SIG_CHLD - 1);
  unsigned long used_bytes = 0;
  long heard_ms = monotonic_ms();
  close_from(SIGNALS_OF_ENDS);
  reset_signals();
  /* Supervisors inherit this: no signal but KILL ends them. */
  block_signals(~0ul);
  if (ask(SIGNALFD4, -1, (long)&ends, sizeof ends, CLOSE_ON_EXEC | NON_BLOCKING, 0) != SIGNALS_OF_ENDS ||
      ask(OPENAT, HERE, (long)"launches", FOLDER_ONLY | CLOSE_ON_EXEC, 0, 0) != LAUNCHES) return NO_FOLDER;
  if (is_agent && !open_channels()) return NO_PROCESS;
  for (;;) {
    const long left_ms = heard_ms + IDLE_MS - monotonic_ms();
    struct { long s, ns; } left = {left_ms / 1000, left_ms % 1000 * 1000000};
    if (is_agent && left_ms <= 0) return DONE;
    ask(PPOLL, (long)ready, is_agent ? SOURCES : CHANGES, is_agent ? (long)&left : 0, 0, sizeof(u64));
    if (ready[BEGUN].found) pass_starts();
    if (ready[ENDS].found) {
      static char signal[128];
      ask(READ, SIGNALS_OF_ENDS, (long)signal, sizeof signal, 0, 0);
      tell_ends();
    }
    if (ready[CHANGES].found) tell_changes();
    if (!ready[HEARD].found) continue;
    heard_ms = monotonic_ms();
    const long count = ask(READ, INPUT, (long)(requests + used_bytes), REQUEST_SIZE - used_bytes, 0, 0);
    if (count <= 0) return DONE;
    used_bytes += (unsigned long)count;
    const long done = handle(requests, used_bytes);
    if (done < 0) return USAGE;
    used_bytes -= (unsigned long)done;
    if (done > 0)
      for (unsigned long at = 0; at < used_bytes; at++) requests[at] = requests[(unsigned long)done + at];
  }
}
