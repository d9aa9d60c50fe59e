#include "tfkd_decision.h"

#include <stddef.h>

/* exp(-d * TFKD_OUTPUT_SCALE) = 2^(-d * RATE / 65536). Capped where even one step below the largest logit has no
 * probability left, so that 255 * RATE fits 32 bits. */
#define RATE_EXACT ((double)TFKD_OUTPUT_SCALE * 1.4426950408889634 * 65536.0 + 0.5)
static const uint32_t rate = RATE_EXACT < 16777215.0 ? (uint32_t)RATE_EXACT : 16777215u;

/* 2^-x in shares of TFKD_ONE, x in 1/65536. The cubic for the fraction is within 7.4e-5 and exact at both ends. */
static uint32_t power_of_half(uint32_t x) {
  const uint32_t whole = x >> 16;
  if (whole > 15) return 0;
  const uint32_t f = (x & 0xffffu) >> 1;
  uint32_t slope = 7579u - ((f * 1298u) >> 15);
  slope = 22665u - ((f * slope) >> 15);
  const uint32_t power = TFKD_ONE - ((f * slope) >> 15);
  return (power + ((1u << whole) >> 1)) >> whole;
}

static int largest(const int8_t outputs[TFKD_CLASSES]) {
  int label = 0, best = outputs[0];
  for (int i = 1; i < TFKD_CLASSES; ++i) {
    const int output = outputs[i];
    if (output > best) {
      best = output;
      label = i;
    }
  }
  return label;
}

int tfkd_best(const int8_t outputs[TFKD_CLASSES], uint16_t *probability) {
  const int label = largest(outputs), best = outputs[label];
  uint32_t sum = 0;
  for (int i = 0; i < TFKD_CLASSES; ++i) sum += power_of_half((uint32_t)(best - outputs[i]) * rate);
  *probability = (uint16_t)((TFKD_ONE * TFKD_ONE) / sum);
  return label;
}

int tfkd_probabilities(const int8_t outputs[TFKD_CLASSES], uint16_t probabilities[TFKD_CLASSES]) {
  const int label = largest(outputs), best = outputs[label];
  uint32_t sum = 0;
  for (int i = 0; i < TFKD_CLASSES; ++i) {
    const uint32_t power = power_of_half((uint32_t)(best - outputs[i]) * rate);
    probabilities[i] = (uint16_t)power;
    sum += power;
  }
  const uint32_t share = (TFKD_ONE * TFKD_ONE) / sum; /* sum is at least TFKD_ONE, which the best class brings */
  for (int i = 0; i < TFKD_CLASSES; ++i) {
    probabilities[i] = (uint16_t)((probabilities[i] * share) >> 15);
  }
  return label;
}

static void send(const tfkd_sink *sink, tfkd_event_kind kind, uint32_t time_us, int label, uint16_t confidence) {
  const tfkd_event event = {kind, time_us, (int16_t)label, confidence, 0};
  sink->send(sink->context, &event);
}

void tfkd_decision_init(tfkd_decision *decision) {
  decision->active = -1;
  decision->windows = 0;
}

void tfkd_decision_update(tfkd_decision *decision, const tfkd_settings *settings, const tfkd_sink *sink,
                          uint32_t time_us, const int8_t outputs[TFKD_CLASSES]) {
  uint16_t probabilities[TFKD_CLASSES];
  uint16_t *smoothed = decision->smoothed;
  const int label = tfkd_probabilities(outputs, probabilities);
  if (settings->report_windows) send(sink, TFKD_EVENT_DECISION, time_us, label, probabilities[label]);

  const uint32_t newest = decision->windows ? settings->smoothing : TFKD_ONE;
  int best = 0;
  for (int i = 0; i < TFKD_CLASSES; ++i) {
    const uint32_t before = decision->windows ? smoothed[i] : 0u;
    smoothed[i] = (uint16_t)((before * (TFKD_ONE - newest) + probabilities[i] * newest + TFKD_ONE / 2) >> 15);
    if (smoothed[i] > smoothed[best]) best = i;
  }
  decision->windows = 1;

  const int active = decision->active;
  const int enters = best != active && smoothed[best] >= settings->enter;
  if (active >= 0 && (enters || smoothed[active] < settings->leave)) {
    decision->active = -1;
    send(sink, TFKD_EVENT_ENDED, time_us, active, smoothed[active]);
  }
  if (enters) {
    decision->active = (int16_t)best;
    send(sink, TFKD_EVENT_STARTED, time_us, best, smoothed[best]);
  }
}

void tfkd_decision_interrupt(tfkd_decision *decision, const tfkd_sink *sink, uint32_t time_us) {
  const int active = decision->active;
  const uint16_t confidence = active >= 0 ? decision->smoothed[active] : 0u;
  tfkd_decision_init(decision);
  if (active >= 0) send(sink, TFKD_EVENT_ENDED, time_us, active, confidence);
}
