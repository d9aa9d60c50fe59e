/* Gramian angular field of a window, straight to the student's int8. Linked only for a student that sees images.
 *
 * Each channel is averaged down to TFKD_GAF_SIZE points (piecewise aggregation), scaled to x in [-1, 1], and with
 * s = sqrt(1 - x^2) the image is, for row i and column j,
 *
 *   TFKD_ENCODING_GASF   x_i x_j - s_i s_j = cos(phi_i + phi_j)      with phi = acos(x)
 *   TFKD_ENCODING_GADF   s_i x_j - x_i s_j = sin(phi_i - phi_j)
 *
 * or with TFKD_GAF_ARCSIN, phi = asin(x), the negative of it, laid out as (row, column, channel). x is scaled between
 * the smallest and the largest of the channel's own points, or where the contract has a fixed range between TFKD_GAF_LOW
 * and TFKD_GAF_HIGH standard deviations, beyond which it is clipped. A channel that does not change, having no range of
 * its own, is x = -1: GASF 1, GADF 0 everywhere.
 */
#ifndef TFKD_GAF_H_
#define TFKD_GAF_H_

#include <stdint.h>

#include "tfkd_check.h"

#ifdef __cplusplus
extern "C" {
#endif

#if TFKD_ENCODING_KIND != TFKD_ENCODING_NONE
/* Args:
 *   samples: a ring of `capacity` samples of TFKD_CHANNELS standardised values, tfkd_limited.
 *   start: which of them is the window's first; it goes on at 0 after capacity - 1.
 *   image: TFKD_INPUT_SIZE values, written. */
void tfkd_gaf(const float *samples, uint32_t capacity, uint32_t start, int8_t *image);
#endif

#ifdef __cplusplus
}
#endif

#endif /* TFKD_GAF_H_ */
