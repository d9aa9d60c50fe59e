#include "tfkd_event.h"

const char *tfkd_event_name(tfkd_event_kind kind) {
  switch (kind) {
    case TFKD_EVENT_STARTED: return "started";
    case TFKD_EVENT_ENDED: return "ended";
    case TFKD_EVENT_DECISION: return "decision";
    case TFKD_FAULT_BAD_SAMPLE: return "bad_sample";
    case TFKD_FAULT_TIME_STILL: return "time_still";
    case TFKD_FAULT_TIME_BACK: return "time_back";
    case TFKD_FAULT_GAP: return "gap";
    case TFKD_FAULT_STUCK: return "stuck";
    case TFKD_FAULT_SATURATED: return "saturated";
    case TFKD_FAULT_OVERRUN: return "overrun";
    case TFKD_FAULT_ENGINE: return "engine";
    case TFKD_FAULT_TRIAL_TOO_LONG: return "trial_too_long";
    case TFKD_FAULT_TRIAL_TOO_SHORT: return "trial_too_short";
    case TFKD_FAULT_DEAD_CHANNEL: return "dead_channel";
  }
  return "unknown";
}
