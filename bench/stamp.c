/* Appends a line with the time of its first instruction, in nanoseconds of the wall clock, to the file it is given. */

enum { WRITE = 1, OPEN = 2, EXIT = 60, CLOCK_GETTIME = 228, APPEND_CREATE = 02101, CLOCK_REALTIME = 0 };
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call stamp\n");

static long ask(long n, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

__attribute__((used, noreturn)) void stamp(long *stack) {
  long now[2], at = 31;
  char text[32];
  ask(CLOCK_GETTIME, CLOCK_REALTIME, (long)now, 0);
  text[at] = '\n';
  for (long n = now[0] * 1000000000 + now[1]; n > 0; n /= 10) text[--at] = '0' + n % 10;
  ask(WRITE, ask(OPEN, stack[2], APPEND_CREATE, 0644), (long)(text + at), 32 - at);
  for (;;) ask(EXIT, 0, 0, 0);
}
