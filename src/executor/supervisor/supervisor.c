/*
 * The supervisor: what the scheduler needs of the system and cannot ask from Node, as five small commands.
 *
 *   supervisor serve                           starts launches on request, each under a supervisor of its own
 *   supervisor agent FOLDER                    serves the launches of a folder on another host
 *   supervisor clear FOLDER USER               empties a folder with the rights of a user
 *   supervisor read FILE USER PROGRAM [ARG…]   becomes a program that reads a file which the user may read
 *   supervisor only COUNT PROGRAM [ARG…]       becomes a program that has the first COUNT descriptors
 *
 * USER is UID:GID, or - for the user that it runs as. FOLDER and FILE are full paths.
 *
 * No library, so that nothing on the host, and nothing in a job's environment, changes what it does.
 * program.ts carries what comes out of
 *
 *   gcc -Os -std=gnu11 -ffreestanding -fno-builtin -fno-stack-protector -fno-pie -fno-ident
 *       -fno-asynchronous-unwind-tables -nostdlib -static -no-pie -s -o supervisor supervisor.c
 *       -Wl,-n,-z,noseparate-code,-z,noexecstack,--no-warn-rwx-segments,--build-id=none
 */

#include "system.h"

#include "launch.h"

#include "serve.h"

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
  close_from(ERRORS + 1);
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

#include "agent.h"

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
  close_from(ERRORS + 1);
  become(arguments + 2, environment, -1);
  return NOT_FOUND;
}

__attribute__((used, noreturn)) void supervisor(long *stack) {
  const long count = stack[0];
  char **arguments = (char **)(stack + 1);
  char **environment = arguments + count + 1;
  if (count == 2 && same(arguments[1], "serve")) leave(serve());
  if (count == 3 && same(arguments[1], "agent")) leave(act(arguments[2], environment));
  if (count == 4 && same(arguments[1], "clear")) leave(clear(arguments[2], arguments[3]));
  if (count >= 5 && same(arguments[1], "read")) leave(read_as(arguments + 2, environment));
  if (count >= 4 && same(arguments[1], "only")) {
    const char *first = arguments[2];
    close_from(number(&first));
    become(arguments + 3, environment, -1);
  }
  leave(USAGE);
  __builtin_unreachable();
}
