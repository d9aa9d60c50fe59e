#include "tfkd_requantise.h"

void tfkd_scale_some(const tfkd_scaling *scaling, int row, tfkd_sums sums, int count, int8_t *out) {
  const int32_t values[TFKD_POSITIONS] = {sums.p0, sums.p1, sums.p2, sums.p3};
#ifdef TFKD_DSP
  if (scaling->fast) {
    const tfkd_factors factors = tfkd_factors_of(scaling, row);
    const int32_t zero_point = scaling->zero_point;
    for (int p = 0; p < count; ++p) out[p] = (int8_t)tfkd_scale_fast(values[p], factors, zero_point);
    return;
  }
#endif
  for (int p = 0; p < count; ++p) out[p] = tfkd_scale(scaling, row, values[p]);
}
