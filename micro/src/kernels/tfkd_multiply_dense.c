#include "tfkd_kernels.h"
#include "tfkd_requantise.h"

void tfkd_multiply_dense(const tfkd_matrix *matrix, const int16_t *columns, int count, int8_t *out) {
  const tfkd_scaling *scaling = &matrix->scaling;
  const int8_t *weights = matrix->weights;
  for (int row = 0; row < matrix->rows; ++row, out += matrix->out_step) {
    int32_t sums[TFKD_POSITIONS];
    for (int p = 0; p < TFKD_POSITIONS; ++p) sums[p] = scaling->bias[row];
    const int16_t *values = columns;
    for (int k = 0; k < matrix->inner; k += 4, weights += 4, values += 4 * TFKD_POSITIONS) {
      const int16_t *behind = values + 2 * TFKD_POSITIONS;
      for (int p = 0; p < TFKD_POSITIONS; ++p) {
        sums[p] += weights[0] * values[2 * p] + weights[2] * values[2 * p + 1] + weights[1] * behind[2 * p] +
                   weights[3] * behind[2 * p + 1];
      }
    }
    for (int p = 0; p < count; ++p) {
      const int32_t value = tfkd_rescale(sums[p], (int32_t)(scaling->multiplier[row] >> 1), scaling->shift[row]);
      out[p] = (int8_t)tfkd_clamp(value + scaling->zero_point, scaling->low, scaling->high);
    }
  }
}
