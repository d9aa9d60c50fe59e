// TFLM_DECODE for pruned int8 weights alone: 0.7 KB of code on a Cortex-M4 where TFLM's AddDecode() takes
// 18 KB, because it links decoders of look-up tables and Huffman codes too; and 2 to 4 instructions a
// weight where that takes 17 (TFLM 90b983c, -O2).
#ifndef TFKD_DECODE_PRUNED_H_
#define TFKD_DECODE_PRUNED_H_

#include "tensorflow/lite/micro/micro_common.h"

// TensorFlow Lite Micro moved from tflite to tflite::micro in 2026; look in both.
namespace tflite {
namespace micro {}
}  // namespace tflite

namespace tfkd {
namespace tflm {
using namespace ::tflite;
using namespace ::tflite::micro;

// For MicroMutableOpResolver::AddCustom("TFLM_DECODE", ...); tfkd_resolver.h does it.
TFLMRegistration DecodePruned();

}  // namespace tflm
}  // namespace tfkd

#endif  // TFKD_DECODE_PRUNED_H_
