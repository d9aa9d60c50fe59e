/* What may be chosen on the device. Everything else comes from the contract. */
#ifndef TFKD_SETTINGS_H_
#define TFKD_SETTINGS_H_

#include <stdint.h>

#include "tfkd_event.h"
#include "tfkd_status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TFKD_LONGEST_GAP_US 60000000u

typedef struct tfkd_settings {
  /* Sensor. */
  uint32_t max_gap_us; /* a longer pause between samples empties the window; a shorter one is bridged by a straight
                          line. 1 to TFKD_LONGEST_GAP_US. Default 500000 */
  uint32_t stuck_us;   /* a sensor whose every channel repeats for this long is stuck, and one channel that does so
                          alone is dead; 0: never. Default 1000000 */
  float range[TFKD_CHANNELS]; /* a channel at or beyond +-range, in its unit, is saturated; 0: unknown. Default 0 */
  uint16_t quiet_samples; /* bad_sample, time_still, time_back, saturated and dead_channel (each channel for itself),
                             overrun and engine are reported when they begin, and again only after more than this
                             many samples without them. Default TFKD_WINDOW */
  /* Decision. */
  uint16_t smoothing; /* weight of the newest window in the running mean of the class probabilities, 1 to TFKD_ONE
                         (which is no smoothing). Default TFKD_ONE / 2 */
  uint16_t enter;     /* an activity starts when its smoothed probability reaches this. Default 0.6 */
  uint16_t leave;     /* and ends when it falls below this, or when another class enters. At most enter. Default 0.4 */
  uint8_t report_windows; /* 1: send a TFKD_EVENT_DECISION for every window of a stream. Default 0 */
} tfkd_settings;

/* The defaults above. */
tfkd_settings tfkd_default_settings(void);

/* TFKD_OK, or TFKD_BAD_ARGUMENT if a setting is outside what stands beside it (NaN and negative ranges too). */
tfkd_status tfkd_check_settings(const tfkd_settings *settings);

#ifdef __cplusplus
}
#endif

#endif /* TFKD_SETTINGS_H_ */
