// Not TensorFlow Lite Micro: as much of its interface as the firmware uses, to compile and test that without
// it.
//
// TFLM moved its names in 2026: with TFLM_STUB_NESTED, these stand where they stand since.
#pragma once
#include <cstddef>
#include <cstdint>

#ifdef TFLM_STUB_NESTED
#define TFLM_STUB_TYPES namespace tflite { namespace micro {
#define TFLM_STUB_END_TYPES }}
#define TFLM_STUB_CLASSES namespace tflite { namespace micro {
#define TFLM_STUB_END_CLASSES }}
#else
#define TFLM_STUB_TYPES
#define TFLM_STUB_END_TYPES
#define TFLM_STUB_CLASSES namespace tflite {
#define TFLM_STUB_END_CLASSES }
#endif
