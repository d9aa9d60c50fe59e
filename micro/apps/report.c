#include "report.h"

#include "port.h"

void tfkd_report_text(const char *name, const char *value) {
  tfkd_port_text(name);
  tfkd_port_text(" ");
  tfkd_port_text(value);
  tfkd_port_text("\n");
}

void tfkd_report_number(const char *name, int32_t value) {
  char digits[12];
  char *at = digits + sizeof digits - 1;
  uint32_t rest = value < 0 ? 0U - (uint32_t)value : (uint32_t)value;
  *at = '\0';
  do {
    *--at = (char)('0' + rest % 10U);
    rest /= 10U;
  } while (rest != 0);
  if (value < 0) *--at = '-';
  tfkd_report_text(name, at);
}
