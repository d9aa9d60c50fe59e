/* Looks at every sample before it is used, and reports what is wrong once. Used by streams and trials. */
#ifndef TFKD_MONITOR_H_
#define TFKD_MONITOR_H_

#include <stdbool.h>
#include <stdint.h>

#include "tfkd_event.h"
#include "tfkd_settings.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Faults that last: reported at their beginning. Each channel's saturation follows the first five. */
enum { TFKD_LASTING_FAULTS = 5 + TFKD_CHANNELS };

typedef struct tfkd_monitor {
  tfkd_settings settings;
  tfkd_sink sink;
  uint32_t limit[TFKD_CHANNELS];       /* the bits of |x| from which on x is not just used: saturated or not finite */
  uint32_t pushes;                     /* samples seen, good or bad */
  uint32_t seen[TFKD_LASTING_FAULTS];  /* `pushes` when each fault was last there */
  float last[TFKD_CHANNELS];           /* the sample before */
  uint32_t last_us;                    /* and its time */
  uint32_t same_since_us;              /* when the run of identical samples began */
  bool stuck;                          /* and whether it was reported */
} tfkd_monitor;

/* TFKD_BAD_ARGUMENT for a null pointer or a setting out of bounds. */
tfkd_status tfkd_monitor_init(tfkd_monitor *monitor, const tfkd_settings *settings, tfkd_sink sink);

/* Sends a fault, a lasting one only at its beginning. */
void tfkd_monitor_report(tfkd_monitor *monitor, tfkd_event_kind kind, uint32_t time_us, uint32_t value);

/* Counts a sample, reports NaN, infinities and saturation. False: the sample cannot be used. */
bool tfkd_monitor_check(tfkd_monitor *monitor, uint32_t time_us, const float sample[TFKD_CHANNELS]);

/* Remembers the sample, to which the next will be compared. */
void tfkd_monitor_keep(tfkd_monitor *monitor, uint32_t time_us, const float sample[TFKD_CHANNELS]);

/* Call before keep: whether the sensor is stuck, which is reported when it becomes so. `first`: nothing to compare. */
bool tfkd_monitor_stuck(tfkd_monitor *monitor, uint32_t time_us, const float sample[TFKD_CHANNELS], bool first);

#ifdef __cplusplus
}
#endif

#endif /* TFKD_MONITOR_H_ */
