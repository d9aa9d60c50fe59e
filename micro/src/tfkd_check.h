/* Refuses, while compiling, a contract that this code cannot serve. Included by every part of the core. */
#ifndef TFKD_CHECK_H_
#define TFKD_CHECK_H_

#include "tfkd_contract.h"

#if !defined(TFKD_CONTRACT_FORMAT) || TFKD_CONTRACT_FORMAT != 2
#error "tfkd_contract.h: this firmware reads contracts of format 2. Export the student with the tfkd it came from."
#endif

#if !defined(TFKD_ENCODING_KIND)
#error "tfkd_contract.h: TFKD_ENCODING_KIND is missing. Export the student again."
#elif TFKD_ENCODING_KIND < TFKD_ENCODING_NONE || TFKD_ENCODING_KIND > TFKD_ENCODING_GADF
#error "tfkd_contract.h: TFKD_ENCODING is one that this firmware does not know: it has none, gasf and gadf."
#endif

#if TFKD_CHANNELS < 1 || TFKD_CHANNELS > 255 || TFKD_WINDOW < 2 || TFKD_WINDOW > 32767
#error "tfkd_contract.h: this firmware takes 1 to 255 channels (TFKD_CHANNELS) and windows of 2 to 32767 samples (TFKD_WINDOW)."
#endif

#if TFKD_CLASSES < 2 || TFKD_CLASSES > 32767
#error "tfkd_contract.h: TFKD_CLASSES must be 2 to 32767."
#endif

#if !defined(TFKD_WINDOWING_STREAM)
#error "tfkd_contract.h: TFKD_WINDOWING_STREAM is missing. Export the student again."
#elif TFKD_WINDOWING_STREAM && TFKD_SAMPLE_RATE_MILLIHERTZ < 1
#error "tfkd_contract.h: TFKD_WINDOWING is stream, which needs a sample rate of 0.001 Hz or more (TFKD_SAMPLE_RATE_MILLIHERTZ)."
#endif

#if TFKD_WINDOWING_STREAM && (TFKD_HOP < 1 || TFKD_HOP > TFKD_WINDOW)
#error "tfkd_contract.h: TFKD_HOP must be 1 to TFKD_WINDOW: with a longer hop samples between two windows would never be seen."
#endif

#if !defined(TFKD_MEMORY) || TFKD_MEMORY < 0 || TFKD_MEMORY > 1000000000
#error "tfkd_contract.h: TFKD_MEMORY must be 0 to 1000000000 samples, 0 where the student remembers nothing."
#elif TFKD_MEMORY > 0 && (!TFKD_WINDOWING_STREAM || TFKD_HOP != TFKD_WINDOW)
#error "tfkd_contract.h: a student with a memory takes a stream chunk by chunk: TFKD_HOP must be TFKD_WINDOW."
#endif

#if TFKD_ENCODING_KIND == TFKD_ENCODING_NONE
#if TFKD_INPUT_SIZE != TFKD_WINDOW * TFKD_CHANNELS
#error "tfkd_contract.h: TFKD_ENCODING is none, but TFKD_INPUT_SIZE is not TFKD_WINDOW * TFKD_CHANNELS."
#endif
#else
#if !defined(TFKD_GAF_SIZE) || TFKD_GAF_SIZE < 1 || TFKD_GAF_SIZE > TFKD_WINDOW
#error "tfkd_contract.h: a Gramian angular field needs TFKD_GAF_SIZE, its side, of 1 to TFKD_WINDOW points."
#elif TFKD_INPUT_SIZE != TFKD_GAF_SIZE * TFKD_GAF_SIZE * TFKD_CHANNELS
#error "tfkd_contract.h: TFKD_INPUT_SIZE is not TFKD_GAF_SIZE * TFKD_GAF_SIZE * TFKD_CHANNELS."
#endif
#endif

#if TFKD_INPUT_ZERO_POINT < -128 || TFKD_INPUT_ZERO_POINT > 127
#error "tfkd_contract.h: TFKD_INPUT_ZERO_POINT does not fit int8."
#endif

#endif /* TFKD_CHECK_H_ */
