/* One instruction each, whatever the optimisation: the plugin leaves exactly that instruction out. */
#include "count_markers.h"

#if defined(__arm__)
#define MARKER(name) \
  __attribute__((naked, noinline)) void name(void) { __asm__ volatile("bx lr"); }
#else
#define MARKER(name) \
  void name(void) {}
#endif

MARKER(tfkd_count_begin)
MARKER(tfkd_count_end)
MARKER(tfkd_outer_begin)
MARKER(tfkd_outer_end)
