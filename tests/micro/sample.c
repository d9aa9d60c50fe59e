/* All channels of a sample at once, on whatever core: samples, weights, limits and answers in answers.h. Ends with the
 * number of the first row that differs, or 0. */
#include "answers.h"
#include "tfkd_sample.h"

int main(void) {
  for (int row = 0; row < ROWS; ++row) {
    float a[TFKD_CHANNELS], b[TFKD_CHANNELS], copy[TFKD_CHANNELS];
    int8_t input[TFKD_CHANNELS];
    memcpy(a, samples[row], sizeof a);
    memcpy(b, samples[row + 1], sizeof b);
    tfkd_quantise_sample(a, input);
    if (memcmp(input, alone[row], sizeof input) != 0) return row + 1;
    if (tfkd_quantise_between(a, b, weights[row], input) != input + TFKD_CHANNELS) return row + 1;
    if (memcmp(input, between[row], sizeof input) != 0) return row + 1;
    const float *from = (const float *)(const void *)judged[row];
    float *to = copy;
    const bool found = tfkd_copy_below(&to, &from, limits);
    if (found != below[row] || to != copy + TFKD_CHANNELS) return row + 1;
    if (memcmp(copy, judged[row], sizeof copy) != 0) return row + 1;
  }
  return 0;
}
