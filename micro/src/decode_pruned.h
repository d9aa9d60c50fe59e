// TFLM_DECODE for pruned int8 weights alone: a fiftieth of the code of TFLM's AddDecode(), which links
// its decoders for look-up tables and Huffman codes too, and a fraction of its time.
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
