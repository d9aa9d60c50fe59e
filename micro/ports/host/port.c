/* This machine, whatever it is. */
#include "port.h"

#include <stdio.h>

void tfkd_port_begin(void) {}

void tfkd_port_text(const char *text) { fputs(text, stdout); }

uint32_t tfkd_port_stack_bytes(void) { return 0; }
