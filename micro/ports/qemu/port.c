/* A board emulated by QEMU: its console and its exit are semihosting calls. */
#include "port.h"

#include <semihost.h>

/* Set by the linker (CMakeLists.txt). The stack reaches down from __stack to __stack_bottom. */
extern uint32_t __stack_bottom[], __stack[];

static const uint32_t paint = 0x5A5A5A5AU;

void tfkd_port_begin(void) {
  const uint32_t *top;
  __asm__ volatile("sub %0, sp, #64" : "=r"(top)); /* well below the frame of this function */
  for (volatile uint32_t *word = __stack_bottom; word < top; ++word) *word = paint;
}

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
