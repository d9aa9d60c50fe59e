/* Lines of text for any port with a console, without the weight of printf. */
#ifndef TFKD_REPORT_H_
#define TFKD_REPORT_H_

#include <stdint.h>

#include "tfkd_event.h"

/* "name value" and a newline. */
void tfkd_report_text(const char *name, const char *value);
void tfkd_report_number(const char *name, int32_t value);

/* "event TIME_US KIND LABEL CONFIDENCE VALUE" and a newline: the label is its name, or - for a fault. */
void tfkd_report_event(const tfkd_event *event);

#endif /* TFKD_REPORT_H_ */
