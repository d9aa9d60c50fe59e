/* What the programs in apps/ need of a board. A port is a page of code: README.md tells how to write one. */
#ifndef TFKD_PORT_H_
#define TFKD_PORT_H_

#include <stdint.h>

/* Called first. Here a board sets up its clock, its console and its sensor. */
void tfkd_port_begin(void);

/* Writes a text where a person can read it. */
void tfkd_port_text(const char *text);

/* The most stack that was in use since tfkd_port_begin(), in bytes; 0 where nobody knows. */
uint32_t tfkd_port_stack_bytes(void);

#endif /* TFKD_PORT_H_ */
