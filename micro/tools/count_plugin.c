/* A QEMU TCG plugin that counts the guest instructions executed between two marker functions: exactly,
 * for each instruction address, and therefore in total and for each function.
 *
 *   gcc -O2 -shared -fPIC -o count_plugin.so micro/tools/count_plugin.c
 *   qemu-system-arm -M mps2-an386 ... -kernel app.elf \
 *     -plugin ./count_plugin.so,from=0x0,to=0x8000,pair=0x1a4:0x1a6,out=counts.txt
 *
 *   from, to   the code to watch: instructions outside [from, to) are not counted
 *   pair       entry addresses of a begin and an end marker; up to MAX_PAIRS of these arguments, which may nest.
 *              A marker is a function of one single instruction, the return (micro/tools/count_markers.h); that
 *              instruction is never counted.
 *   out        the file to write when QEMU exits: lines
 *                interval PAIR COUNT            one for each time the pair was passed, in order
 *                at PAIR ADDRESS COUNT          the sum over all intervals; addresses that were executed only
 *
 * micro/tools/count.py finds the addresses in the ELF file, builds this plugin, runs QEMU and adds up by function.
 *
 * An instruction in an IT block whose condition fails counts as executed, as it takes its cycle on the core too.
 * The call of the end marker counts (one instruction); nothing else of the measuring does.
 *
 * QEMU's header is packaged nowhere: the declarations below are the part of version 1 of its documented plugin
 * interface that is used here (QEMU 4.2 to 8.1 offer that version; Debian 12 has QEMU 7.2).
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t {
  const char *target_name;
  struct {
    int min, cur;
  } version;
  bool system_emulation;
  struct {
    int smp_vcpus, max_vcpus;
  } system;
} qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { QEMU_PLUGIN_CB_NO_REGS = 0 };     /* enum qemu_plugin_cb_flags */
enum { QEMU_PLUGIN_INLINE_ADD_U64 = 0 }; /* enum qemu_plugin_op */

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, void (*cb)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*cb)(qemu_plugin_id_t, void *), void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, void (*cb)(unsigned int, void *), int flags,
                                            void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int op, void *counter, uint64_t add);

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv);

enum { MAX_PAIRS = 4 };

typedef struct pair {
  uint64_t begin, end;
  uint64_t *before; /* the counters when the begin marker was passed */
  uint64_t *sums;   /* over all intervals so far */
  uint64_t *intervals;
  size_t passed, capacity;
  bool open;
} pair;

/* Thumb instructions lie on even addresses: one counter for every two bytes of code. */
static uint64_t first_address, end_address, *counters;
static size_t counter_count;
static pair pairs[MAX_PAIRS];
static size_t pair_count;
static const char *out_path;

static bool is_marker(uint64_t address) {
  for (size_t i = 0; i < pair_count; ++i) {
    if (address == pairs[i].begin || address == pairs[i].end) return true;
  }
  return false;
}

static void *zeroed(size_t count, size_t size) {
  void *memory = calloc(count, size);
  if (memory == NULL) {
    fprintf(stderr, "count_plugin: no memory for %zu values\n", count);
    exit(1);
  }
  return memory;
}

static void begin_passed(unsigned int cpu, void *data) {
  pair *passed = data;
  (void)cpu;
  memcpy(passed->before, counters, counter_count * sizeof *counters);
  passed->open = true;
}

static void end_passed(unsigned int cpu, void *data) {
  pair *passed = data;
  (void)cpu;
  if (!passed->open) return;
  passed->open = false;
  uint64_t total = 0;
  for (size_t i = 0; i < counter_count; ++i) {
    const uint64_t count = counters[i] - passed->before[i];
    passed->sums[i] += count;
    total += count;
  }
  if (passed->passed == passed->capacity) {
    passed->capacity = passed->capacity == 0 ? 64 : 2 * passed->capacity;
    passed->intervals = realloc(passed->intervals, passed->capacity * sizeof *passed->intervals);
    if (passed->intervals == NULL) exit(1);
  }
  passed->intervals[passed->passed++] = total;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
  (void)id;
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); ++i) {
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    const uint64_t address = qemu_plugin_insn_vaddr(insn);
    for (size_t p = 0; p < pair_count; ++p) {
      if (address == pairs[p].begin) {
        qemu_plugin_register_vcpu_insn_exec_cb(insn, begin_passed, QEMU_PLUGIN_CB_NO_REGS, &pairs[p]);
      } else if (address == pairs[p].end) {
        qemu_plugin_register_vcpu_insn_exec_cb(insn, end_passed, QEMU_PLUGIN_CB_NO_REGS, &pairs[p]);
      }
    }
    if (address >= first_address && address < end_address && !is_marker(address)) {
      uint64_t *counter = &counters[(address - first_address) / 2];
      qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64, counter, 1);
    }
  }
}

static void write_counts(qemu_plugin_id_t id, void *data) {
  (void)id;
  (void)data;
  FILE *out = fopen(out_path, "w");
  if (out == NULL) {
    perror(out_path);
    return;
  }
  for (size_t p = 0; p < pair_count; ++p) {
    for (size_t i = 0; i < pairs[p].passed; ++i) fprintf(out, "interval %zu %" PRIu64 "\n", p, pairs[p].intervals[i]);
    for (size_t i = 0; i < counter_count; ++i) {
      if (pairs[p].sums[i] == 0) continue;
      fprintf(out, "at %zu 0x%" PRIx64 " %" PRIu64 "\n", p, first_address + 2 * i, pairs[p].sums[i]);
    }
  }
  if (fclose(out) != 0) perror(out_path);
}

static bool parse(const char *argument) {
  if (strncmp(argument, "from=", 5) == 0) {
    first_address = strtoull(argument + 5, NULL, 0);
  } else if (strncmp(argument, "to=", 3) == 0) {
    end_address = strtoull(argument + 3, NULL, 0);
  } else if (strncmp(argument, "out=", 4) == 0) {
    out_path = strdup(argument + 4);
  } else if (strncmp(argument, "pair=", 5) == 0 && pair_count < MAX_PAIRS) {
    char *colon;
    pairs[pair_count].begin = strtoull(argument + 5, &colon, 0);
    if (*colon != ':') return false;
    pairs[pair_count++].end = strtoull(colon + 1, NULL, 0);
  } else {
    return false;
  }
  return true;
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
  (void)info;
  for (int i = 0; i < argc; ++i) {
    if (!parse(argv[i])) {
      fprintf(stderr, "count_plugin: cannot use the argument '%s'\n", argv[i]);
      return -1;
    }
  }
  if (end_address <= first_address || pair_count == 0 || out_path == NULL) {
    fprintf(stderr, "count_plugin: needs from=, to= above it, pair=BEGIN:END and out=\n");
    return -1;
  }
  counter_count = (size_t)((end_address - first_address + 1) / 2);
  counters = zeroed(counter_count, sizeof *counters);
  for (size_t p = 0; p < pair_count; ++p) {
    pairs[p].before = zeroed(counter_count, sizeof *counters);
    pairs[p].sums = zeroed(counter_count, sizeof *counters);
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, write_counts, NULL);
  return 0;
}
