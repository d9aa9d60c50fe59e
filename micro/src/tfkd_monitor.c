#include "tfkd_monitor.h"

#include <stddef.h>
#include <string.h>

/* Where a fault stands in `seen`, or -1 if it is no lasting one. */
static int lasting(tfkd_event_kind kind, uint32_t value) {
  switch (kind) {
    case TFKD_FAULT_BAD_SAMPLE: return 0;
    case TFKD_FAULT_TIME_STILL: return 1;
    case TFKD_FAULT_TIME_BACK: return 2;
    case TFKD_FAULT_OVERRUN: return 3;
    case TFKD_FAULT_ENGINE: return 4;
    case TFKD_FAULT_SATURATED: return 5 + (int)value;
    case TFKD_FAULT_DEAD_CHANNEL: return 5 + TFKD_CHANNELS + (int)value;
    default: return -1;
  }
}

tfkd_status tfkd_monitor_init(tfkd_monitor *monitor, const tfkd_settings *settings, tfkd_sink sink) {
  if (monitor == NULL || sink.send == NULL || tfkd_check_settings(settings) != TFKD_OK) return TFKD_BAD_ARGUMENT;
  memset(monitor, 0, sizeof *monitor);
  monitor->settings = *settings;
  monitor->sink = sink;
  for (int channel = 0; channel < TFKD_CHANNELS; ++channel) {
    const float range = settings->range[channel];
    monitor->limits[channel] = (range > 0.0f ? tfkd_magnitude(range) : TFKD_NOT_FINITE) << 1;
  }
  monitor->pushes = settings->quiet_samples + 1u; /* so that nothing seems to have been seen just now */
  return TFKD_OK;
}

void tfkd_monitor_report(tfkd_monitor *monitor, tfkd_event_kind kind, uint32_t time_us, uint32_t value) {
  const int index = lasting(kind, value);
  if (index >= 0) {
    const uint32_t quiet = monitor->pushes - monitor->seen[index];
    monitor->seen[index] = monitor->pushes;
    if (quiet <= monitor->settings.quiet_samples) return;
  }
  const tfkd_event event = {kind, time_us, -1, 0, value};
  monitor->sink.send(monitor->sink.context, &event);
}

bool tfkd_monitor_judge(tfkd_monitor *monitor, uint32_t time_us, const float sample[TFKD_CHANNELS]) {
  for (int channel = 0; channel < TFKD_CHANNELS; ++channel) {
    if (tfkd_magnitude(sample[channel]) >= TFKD_NOT_FINITE) {
      tfkd_monitor_report(monitor, TFKD_FAULT_BAD_SAMPLE, time_us, (uint32_t)channel);
      return false;
    }
  }
  for (int channel = 0; channel < TFKD_CHANNELS; ++channel) {
    if (tfkd_magnitude(sample[channel]) << 1 >= monitor->limits[channel]) {
      tfkd_monitor_report(monitor, TFKD_FAULT_SATURATED, time_us, (uint32_t)channel);
    }
  }
  return true;
}

bool tfkd_monitor_stuck(tfkd_monitor *monitor, uint32_t time_us, const float last[TFKD_CHANNELS],
                        const float sample[TFKD_CHANNELS]) {
  for (int channel = 0; channel < TFKD_CHANNELS; ++channel) {
    if (tfkd_bits(sample[channel]) != tfkd_bits(last[channel])) {
      monitor->same = monitor->stuck = false;
      return false;
    }
  }
  if (!monitor->same) monitor->same_since_us = monitor->last_us;
  monitor->same = true;
  const uint32_t limit = monitor->settings.stuck_us;
  if (limit > 0 && !monitor->stuck && time_us - monitor->same_since_us >= limit) {
    monitor->stuck = true;
    tfkd_monitor_report(monitor, TFKD_FAULT_STUCK, time_us, time_us - monitor->same_since_us);
  }
  return monitor->stuck;
}

void tfkd_monitor_watch(tfkd_monitor *monitor, uint32_t time_us, const float sample[TFKD_CHANNELS]) {
  memcpy(monitor->watched, sample, sizeof monitor->watched);
  memset(monitor->moved, 0, sizeof monitor->moved);
  monitor->still = TFKD_CHANNELS;
  monitor->watched_us = time_us;
}

void tfkd_monitor_look(tfkd_monitor *monitor, const float sample[TFKD_CHANNELS]) {
  for (int channel = 0; channel < TFKD_CHANNELS; ++channel) {
    if (!monitor->moved[channel] && tfkd_bits(sample[channel]) != tfkd_bits(monitor->watched[channel])) {
      monitor->moved[channel] = true;
      --monitor->still;
    }
  }
}

void tfkd_monitor_dead(tfkd_monitor *monitor, uint32_t time_us) {
  const uint32_t limit = monitor->settings.stuck_us;
  if (limit == 0 || time_us - monitor->watched_us < limit || monitor->still == TFKD_CHANNELS) return;
  for (int channel = 0; channel < TFKD_CHANNELS && monitor->still > 0; ++channel) {
    if (!monitor->moved[channel]) {
      tfkd_monitor_report(monitor, TFKD_FAULT_DEAD_CHANNEL, time_us, (uint32_t)channel);
    }
  }
}
