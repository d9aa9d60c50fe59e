/* From the student's int8 logits to activities: softmax in integers, smoothing over windows, hysteresis. */
#ifndef TFKD_DECISION_H_
#define TFKD_DECISION_H_

#include <stdint.h>

#include "tfkd_event.h"
#include "tfkd_settings.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Softmax of the logits that TFKD_OUTPUT_SCALE gives `outputs`, in shares of TFKD_ONE. No probability is more than
 * 2e-4 + TFKD_CLASSES * 2e-5 from the exact one. Returns the class with the largest output, the first on a tie. */
int tfkd_probabilities(const int8_t outputs[TFKD_CLASSES], uint16_t probabilities[TFKD_CLASSES]);

/* The first class with the largest output, and its probability alone. */
int tfkd_best(const int8_t outputs[TFKD_CLASSES], uint16_t *probability);

typedef struct tfkd_decision {
  uint16_t smoothed[TFKD_CLASSES]; /* running mean of the probabilities */
  int16_t active;                  /* the activity that has started, or -1 */
  uint8_t windows;                 /* 0 before the first window: then there is nothing to smooth with */
} tfkd_decision;

void tfkd_decision_init(tfkd_decision *decision);

/* Takes one window's outputs and sends what follows from them, at `time_us`. */
void tfkd_decision_update(tfkd_decision *decision, const tfkd_settings *settings, const tfkd_sink *sink,
                          uint32_t time_us, const int8_t outputs[TFKD_CLASSES]);

/* The signal broke off at `time_us`: ends the activity, if there is one, and forgets the past. */
void tfkd_decision_interrupt(tfkd_decision *decision, const tfkd_sink *sink, uint32_t time_us);

#ifdef __cplusplus
}
#endif

#endif /* TFKD_DECISION_H_ */
