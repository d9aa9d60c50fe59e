/* tfkd_sample.h for Cortex-M4F, M7 and M33, where compilers load, compare and store one value at a time: that takes half
 * as many instructions more. Copying serves every core with these registers. */
#ifndef TFKD_SAMPLE_VFP_H_
#define TFKD_SAMPLE_VFP_H_

#include <stdbool.h>
#include <stdint.h>

#include "tfkd_quantise.h"

/* Does something for each channel; b's registers are a's and 10. */
#if TFKD_CHANNELS == 6
#define TFKD_EACH(what) what(0) what(1) what(2) what(3) what(4) what(5)
#define TFKD_LAST "5"
#else
#define TFKD_EACH(what) what(0) what(1) what(2)
#define TFKD_LAST "2"
#endif

#if defined(TFKD_VFP) && defined(__GCC_ASM_FLAG_OUTPUTS__) && (TFKD_CHANNELS == 3 || TFKD_CHANNELS == 6)
#define TFKD_VFP_COPY 1

#pragma GCC optimize("omit-frame-pointer") /* or the registers do not suffice */

static inline bool tfkd_vfp_copy_below(float **at, const float **from, const uint32_t *limits) {
  float *to = *at;
  const float *sample = *from;
  bool below;
  __asm__ volatile(
#if TFKD_CHANNELS == 6
      "ldmia %[sample]!, {r4, r5, r6, r8, r9, r10}\n\t"
      "stmia %[to]!, {r4, r5, r6, r8, r9, r10}\n\t"
#else
      "ldmia %[sample]!, {r4, r5, r6}\n\t"
      "stmia %[to]!, {r4, r5, r6}\n\t"
#endif
      "ldmia %[limits]!, {r11, r12, r14}\n\t"
      "cmp r11, r4, lsl #1\n\t"
      "itt hi\n\t"
      "cmphi r12, r5, lsl #1\n\t"
      "cmphi r14, r6, lsl #1\n\t"
#if TFKD_CHANNELS == 6
      "ldmia %[limits]!, {r4, r5, r6}\n\t"
      "ittt hi\n\t"
      "cmphi r4, r8, lsl #1\n\t"
      "cmphi r5, r9, lsl #1\n\t"
      "cmphi r6, r10, lsl #1\n\t"
#endif
      : [below] "=@cchi"(below), [to] "+r"(to), [sample] "+r"(sample), [limits] "+r"(limits)
      :
      : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "r14", "memory");
  *at = to;
  *from = sample;
  return below;
}
#endif

#if defined(TFKD_VFP) && !defined(TFKD_MVE_FLOAT) && TFKD_ENCODING_KIND == TFKD_ENCODING_NONE && \
    (TFKD_CHANNELS == 3 || TFKD_CHANNELS == 6)
#define TFKD_VFP_QUANTISE 1

/* vmla rounds twice, as a product and a sum do; it is vfma that rounds once. */
#define TFKD_REST(i) "vmul.f32 s" #i ", s" #i ", %[rest]\n\t"
#define TFKD_WEIGHT(i) "vmla.f32 s" #i ", s1" #i ", %[weight]\n\t"
#define TFKD_ORIGIN(i) "vsub.f32 s" #i ", s" #i ", s1" #i "\n\t"
#define TFKD_FACTOR(i) "vmul.f32 s" #i ", s" #i ", s1" #i "\n\t"
#define TFKD_ROUND(i) "vcvtr.s32.f32 s" #i ", s" #i "\n\t"
#define TFKD_STORE(i, j) \
  "vmov r4, r5, s" #i ", s" #j "\n\t" \
  "ssat r4, #8, r4\n\t" \
  "strb r4, [%[out]], #1\n\t" \
  "ssat r5, #8, r5\n\t" \
  "strb r5, [%[out]], #1\n\t"

static inline int8_t *tfkd_vfp_quantise(const float *a, const float *b, float weight, int8_t *out) {
  const float rest = 1.0f - weight;
  __asm__ volatile(
      "vldmia %[a], {s0-s" TFKD_LAST "}\n\t"
      "vldmia %[b], {s10-s1" TFKD_LAST "}\n\t"
      TFKD_EACH(TFKD_REST)
      TFKD_EACH(TFKD_WEIGHT)
      "vldmia %[origin], {s10-s1" TFKD_LAST "}\n\t"
      TFKD_EACH(TFKD_ORIGIN)
      "vldmia %[factor], {s10-s1" TFKD_LAST "}\n\t"
      TFKD_EACH(TFKD_FACTOR)
      TFKD_EACH(TFKD_ROUND)
      TFKD_STORE(0, 1)
#if TFKD_CHANNELS == 6
      TFKD_STORE(2, 3)
      TFKD_STORE(4, 5)
#else
      "vmov r4, s2\n\t"
      "ssat r4, #8, r4\n\t"
      "strb r4, [%[out]], #1\n\t"
#endif
      : [out] "+r"(out)
      : [a] "r"(a), [b] "r"(b), [weight] "t"(weight), [rest] "t"(rest), [origin] "r"(tfkd_origin),
        [factor] "r"(tfkd_factor)
      : "r4", "r5", "s0", "s1", "s2", "s3", "s4", "s5", "s10", "s11", "s12", "s13", "s14", "s15", "memory");
  return out;
}
#endif

#endif /* TFKD_SAMPLE_VFP_H_ */
