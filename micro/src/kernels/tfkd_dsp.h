/* The SIMD instructions of Cortex-M4, M7 and M33. */
#ifndef TFKD_DSP_H_
#define TFKD_DSP_H_

/* The loops in assembly need nearly all registers: GCC gives them only where it optimises. Everything else, clang
 * too, gets plain C. */
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && !defined(__ARM_FEATURE_MVE) && defined(__OPTIMIZE__) && \
    defined(__GNUC__) && !defined(__clang__)
#define TFKD_DSP 1
#pragma GCC optimize("omit-frame-pointer")

#include <stdint.h>
#include <string.h>

/* Four bytes from anywhere. */
static inline uint32_t tfkd_load(const int8_t *bytes) {
  uint32_t word;
  memcpy(&word, bytes, 4);
  return word;
}

/* Bytes 0 and 2 as two int16. */
static inline uint32_t tfkd_even(uint32_t bytes) {
  uint32_t pair;
  __asm__("sxtb16 %0, %1" : "=r"(pair) : "r"(bytes));
  return pair;
}

/* Bytes 1 and 3 as two int16. */
static inline uint32_t tfkd_odd(uint32_t bytes) {
  uint32_t pair;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(bytes));
  return pair;
}

/* The low halves of two words as (low a, low b). */
static inline uint32_t tfkd_low_halves(uint32_t a, uint32_t b) {
  uint32_t pair;
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(a), "r"(b));
  return pair;
}

/* The high halves of two words as (high a, high b). */
static inline uint32_t tfkd_high_halves(uint32_t a, uint32_t b) {
  uint32_t pair;
  __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(pair) : "r"(b), "r"(a));
  return pair;
}

/* addend + both products of int16. */
static inline int32_t tfkd_dot2(uint32_t a, uint32_t b, int32_t addend) {
  int32_t sum;
  __asm__("smlad %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(addend));
  return sum;
}

/* addend + a * b / 2^32, half up. */
static inline int32_t tfkd_multiply_add_high(int32_t a, int32_t b, int32_t addend) {
  int32_t result;
  __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(addend));
  return result;
}

/* Stores a byte; as the compiler puts four of them together into a word first, which takes longer. */
static inline void tfkd_store(int8_t *place, int32_t value) {
  __asm__("strb %1, %0" : "=m"(*place) : "r"(value));
}

/* The nearest int8. */
static inline int32_t tfkd_saturate(int32_t x) {
  int32_t result;
  __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(x));
  return result;
}
#endif

#endif /* TFKD_DSP_H_ */
