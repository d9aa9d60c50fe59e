/* A board emulated by QEMU: console, files and exit are semihosting calls.
 *
 * The recording is a file of little-endian records, a uint32 of microseconds and TFKD_CHANNELS floats each, named in
 * the semihosting command line: "activity recording.bin [windows]". micro/tools/recording.py makes one from a CSV file.
 */
#include "port.h"

#include <semihost.h>
#include <stdbool.h>
#include <string.h>

#include "report.h"

/* Set by the linker (CMakeLists.txt). The stack reaches down from __stack to __stack_bottom. */
extern uint32_t __stack_bottom[], __stack[];

static const uint32_t paint = 0x5A5A5A5AU;

typedef struct record {
  uint32_t time_us;
  float values[TFKD_CHANNELS];
} record;

static int file = -1;
static bool report_windows;

static void paint_stack(void) {
  const uint32_t *top;
  __asm__ volatile("sub %0, sp, #64" : "=r"(top)); /* well below the frame of this function */
  for (volatile uint32_t *word = __stack_bottom; word < top; ++word) *word = paint;
}

/* Opens the recording, if the command line names one behind the program's own name. */
int tfkd_port_begin(int argc, char **argv) {
  static char line[256];
  (void)argc;
  (void)argv;
  paint_stack();
  if (sys_semihost_get_cmdline(line, sizeof line) != 0) return 0;
  char *path = strchr(line, ' ');
  if (path == NULL) return 0;
  *path++ = '\0';
  char *option = strchr(path, ' ');
  if (option != NULL) *option++ = '\0';
  report_windows = option != NULL && strcmp(option, "windows") == 0;
  file = sys_semihost_open(path, SH_OPEN_R_B);
  if (file >= 0) return 0;
  tfkd_report_text("cannot open", path);
  return 1;
}

void tfkd_port_settings(tfkd_settings *settings) { settings->report_windows = report_windows; }

int tfkd_port_sample(uint32_t *time_us, float *sample) {
  record next;
  if (file < 0) {
    tfkd_port_text("no recording named in the command line\n");
    return -1;
  }
  const uintptr_t left = sys_semihost_read(file, &next, sizeof next);
  if (left == sizeof next) return 0;
  if (left != 0) {
    tfkd_port_text("the recording ends within a record\n");
    return -1;
  }
  *time_us = next.time_us;
  memcpy(sample, next.values, sizeof next.values);
  return 1;
}

void tfkd_port_event(const tfkd_event *event) { tfkd_report_event(event); }

uint32_t tfkd_port_stack_bytes(void) {
  const uint32_t *word = __stack_bottom;
  while (word < __stack && *word == paint) ++word;
  return (uint32_t)((const char *)__stack - (const char *)word);
}

void tfkd_port_text(const char *text) { sys_semihost_write0(text); }

/* Every fault ends here. The stack may be what is broken: a new one begins at its top. */
void arm_hardfault_isr(void);
void tfkd_qemu_faulted(void);

__attribute__((naked)) void arm_hardfault_isr(void) {
  __asm__ volatile(
      "ldr r0, =__stack\n"
      "mov sp, r0\n"
      "b tfkd_qemu_faulted\n");
}

void tfkd_qemu_faulted(void) {
  sys_semihost_write0("hard fault\n");
  sys_semihost_exit_extended(3);
}
