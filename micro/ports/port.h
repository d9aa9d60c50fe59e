/* What the programs in apps/ need of a board: a sample source, an event sink and a console. A port is a page of
 * code: README.md tells how to write one. */
#ifndef TFKD_PORT_H_
#define TFKD_PORT_H_

#include <stdint.h>

#include "tfkd_event.h"
#include "tfkd_settings.h"

/* Called first, with main's arguments, which a board does not have: clock, console, sensor. 0, or 1 after having
 * told why not. */
int tfkd_port_begin(int argc, char **argv);

/* Changes the defaults where this board's sensor calls for it: its range, above all. */
void tfkd_port_settings(tfkd_settings *settings);

/* The sample source. Waits for the next sample: TFKD_CHANNELS values in the contract's order and units, taken at
 * *time_us. 1 with a sample; 0 when there are no more, where a recording or a trial ends; -1 after having told of an
 * error. */
int tfkd_port_sample(uint32_t *time_us, float *sample);

/* The event sink: shows it, sends it by radio, switches a lamp. */
void tfkd_port_event(const tfkd_event *event);

/* Writes a text where a person can read it. */
void tfkd_port_text(const char *text);

/* The most stack that was in use since tfkd_port_begin(), in bytes; 0 where nobody knows. */
uint32_t tfkd_port_stack_bytes(void);

#endif /* TFKD_PORT_H_ */
