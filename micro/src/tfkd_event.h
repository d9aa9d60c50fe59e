/* What the core tells the outside world, and through which door. */
#ifndef TFKD_EVENT_H_
#define TFKD_EVENT_H_

#include <stdint.h>

#include "tfkd_check.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Confidences and thresholds are shares of TFKD_ONE: 32768 is certainty. */
#define TFKD_ONE 32768u

typedef enum tfkd_event_kind {
  /* Decisions: `label` is an index into tfkd_labels, `confidence` its share of TFKD_ONE. */
  TFKD_EVENT_STARTED = 0,  /* an activity has started: smoothed confidence */
  TFKD_EVENT_ENDED = 1,    /* the activity that had started is over: its smoothed confidence at the last window */
  TFKD_EVENT_DECISION = 2, /* one window's or one trial's own class and confidence, before smoothing */
  /* Faults: `label` is -1 and `confidence` 0. */
  TFKD_FAULT_BAD_SAMPLE = 16,     /* a NaN or an infinity; the sample is dropped. value: first such channel */
  TFKD_FAULT_TIME_STILL = 17,     /* the same time twice; a stream drops the sample */
  TFKD_FAULT_TIME_BACK = 18,      /* time ran backwards. value: by how many microseconds */
  TFKD_FAULT_GAP = 19,            /* no sample for longer than max_gap_us. value: microseconds since the last one */
  TFKD_FAULT_STUCK = 20,          /* all channels unchanged for stuck_us. value: microseconds so far */
  TFKD_FAULT_SATURATED = 21,      /* a channel at the end of its range; the sample is used. value: channel */
  TFKD_FAULT_OVERRUN = 22,        /* a window was due and never taken: tfkd_stream_run comes too rarely */
  TFKD_FAULT_ENGINE = 23,         /* the student could not run. value: minus its tfkd_status */
  TFKD_FAULT_TRIAL_TOO_LONG = 24, /* more than TFKD_TRIAL_CAPACITY samples: no decision. value: the capacity */
  TFKD_FAULT_TRIAL_TOO_SHORT = 25, /* fewer than two good samples: no decision. value: how many */
  TFKD_FAULT_DEAD_CHANNEL = 26 /* one channel unchanged for stuck_us while others moved; it is used. value: channel */
} tfkd_event_kind;

typedef struct tfkd_event {
  tfkd_event_kind kind;
  uint32_t time_us;    /* in the clock that the samples came with, which may wrap */
  int16_t label;
  uint16_t confidence;
  uint32_t value;
} tfkd_event;

/* Where events go. `send` is called from within push, run and finish, with an event that is gone when it returns:
 * copy what is to be kept. It must not call back into the core. */
typedef struct tfkd_sink {
  void (*send)(void *context, const tfkd_event *event);
  void *context;
} tfkd_sink;

/* "started", "gap" and so on, for logs; "unknown" for a number that is no kind. */
const char *tfkd_event_name(tfkd_event_kind kind);

#ifdef __cplusplus
}
#endif

#endif /* TFKD_EVENT_H_ */
