/* Writes "name value" lines, without the weight of printf. */
#ifndef TFKD_REPORT_H_
#define TFKD_REPORT_H_

#include <stdint.h>

void tfkd_report_text(const char *name, const char *value);
void tfkd_report_number(const char *name, int32_t value);

#endif /* TFKD_REPORT_H_ */
