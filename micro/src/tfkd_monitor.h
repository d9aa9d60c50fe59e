/* Looks at every sample before it is used, and reports what is wrong once. Used by streams and trials. */
#ifndef TFKD_MONITOR_H_
#define TFKD_MONITOR_H_

#include <stdbool.h>
#include <stdint.h>

#include "tfkd_event.h"
#include "tfkd_quantise.h"
#include "tfkd_settings.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Faults that last: reported at their beginning. Behind the first five, each channel's saturation, then its death. */
enum { TFKD_LASTING_FAULTS = 5 + 2 * TFKD_CHANNELS };

typedef struct tfkd_monitor {
  uint32_t last_us;               /* time of the sample before */
  uint32_t pushes;                /* samples seen, good or bad */
  uint32_t limits[TFKD_CHANNELS]; /* for tfkd_copy_below: at or above, x is saturated or not finite */
  bool same;                      /* the sample before was one of a run of identical ones */
  bool stuck;                     /* which was reported */
  uint32_t same_since_us;         /* when the run began */
  /* Which channels have moved away from one sample, and how many have not. */
  float watched[TFKD_CHANNELS];
  bool moved[TFKD_CHANNELS];
  uint32_t still;
  uint32_t watched_us;
  tfkd_settings settings;
  tfkd_sink sink;
  uint32_t seen[TFKD_LASTING_FAULTS]; /* `pushes` when each fault was last there */
} tfkd_monitor;

/* TFKD_BAD_ARGUMENT for a null pointer or a setting out of bounds. */
tfkd_status tfkd_monitor_init(tfkd_monitor *monitor, const tfkd_settings *settings, tfkd_sink sink);

/* Sends a fault, a lasting one only at its beginning. */
void tfkd_monitor_report(tfkd_monitor *monitor, tfkd_event_kind kind, uint32_t time_us, uint32_t value);

/* Reports NaN, infinities and saturation. False: the sample cannot be used. */
bool tfkd_monitor_judge(tfkd_monitor *monitor, uint32_t time_us, const float sample[TFKD_CHANNELS]);

/* Whether a time follows on the last one: not the same, not back, not after a pause. */
static inline bool tfkd_monitor_on_time(const tfkd_monitor *monitor, uint32_t time_us) {
  return time_us - monitor->last_us - 1u < monitor->settings.max_gap_us;
}

/* Whether the sensor is stuck, which is reported when it becomes so. To be asked before `last_us` moves on. */
bool tfkd_monitor_stuck(tfkd_monitor *monitor, uint32_t time_us, const float last[TFKD_CHANNELS],
                        const float sample[TFKD_CHANNELS]);

/* A channel that does not move while others do is dead: watches them from this sample on, */
void tfkd_monitor_watch(tfkd_monitor *monitor, uint32_t time_us, const float sample[TFKD_CHANNELS]);
/* looks at a sample, needed only as long as a channel is `still`, */
void tfkd_monitor_look(tfkd_monitor *monitor, const float sample[TFKD_CHANNELS]);
/* and reports those that have not moved, if that was for long enough. */
void tfkd_monitor_dead(tfkd_monitor *monitor, uint32_t time_us);

#ifdef __cplusplus
}
#endif

#endif /* TFKD_MONITOR_H_ */
