#include "tfkd_requantise.h"

void tfkd_scale_some(const tfkd_scaling *scaling, int row, tfkd_sums sums, int count, int8_t *out) {
  const int32_t values[TFKD_POSITIONS] = {sums.p0, sums.p1, sums.p2, sums.p3};
  for (int p = 0; p < count; ++p) out[p] = tfkd_scale(scaling, row, values[p]);
}
