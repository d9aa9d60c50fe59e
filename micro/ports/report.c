#include "report.h"

#include "port.h"

static void write_unsigned(uint32_t value) {
  char digits[11];
  char *at = digits + sizeof digits - 1;
  *at = '\0';
  do {
    *--at = (char)('0' + value % 10U);
    value /= 10U;
  } while (value != 0);
  tfkd_port_text(at);
}

void tfkd_report_text(const char *name, const char *value) {
  tfkd_port_text(name);
  tfkd_port_text(" ");
  tfkd_port_text(value);
  tfkd_port_text("\n");
}

void tfkd_report_number(const char *name, int32_t value) {
  tfkd_port_text(name);
  tfkd_port_text(value < 0 ? " -" : " ");
  write_unsigned(value < 0 ? 0U - (uint32_t)value : (uint32_t)value);
  tfkd_port_text("\n");
}

void tfkd_report_event(const tfkd_event *event) {
  const int known = event->label >= 0 && event->label < TFKD_CLASSES;
  tfkd_port_text("event ");
  write_unsigned(event->time_us);
  tfkd_port_text(" ");
  tfkd_port_text(tfkd_event_name(event->kind));
  tfkd_port_text(" ");
  tfkd_port_text(known ? tfkd_labels[event->label] : "-");
  tfkd_port_text(" ");
  write_unsigned(event->confidence);
  tfkd_port_text(" ");
  write_unsigned(event->value);
  tfkd_port_text("\n");
}
