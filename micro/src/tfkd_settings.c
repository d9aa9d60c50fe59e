#include "tfkd_settings.h"

#include <stddef.h>

tfkd_settings tfkd_default_settings(void) {
  tfkd_settings settings = {.max_gap_us = 500000u,
                            .stuck_us = 1000000u,
                            .range = {0.0f},
                            .quiet_samples = TFKD_WINDOW,
                            .smoothing = TFKD_ONE / 2,
                            .enter = 19661,
                            .leave = 13107,
                            .report_windows = 0};
  return settings;
}

tfkd_status tfkd_check_settings(const tfkd_settings *settings) {
  if (settings == NULL || settings->max_gap_us < 1 || settings->max_gap_us > TFKD_LONGEST_GAP_US ||
      settings->smoothing < 1 || settings->smoothing > TFKD_ONE || settings->enter > TFKD_ONE ||
      settings->leave > settings->enter || settings->report_windows > 1) {
    return TFKD_BAD_ARGUMENT;
  }
  for (int channel = 0; channel < TFKD_CHANNELS; ++channel) {
    if (!(settings->range[channel] >= 0.0f)) return TFKD_BAD_ARGUMENT;
  }
  return TFKD_OK;
}
