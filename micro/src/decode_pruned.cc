// Unpacks pruned weights before the layer that uses them. For each output there are two inputs, both
// stored in the model: a bit map with one bit a weight, the first in the most significant bit of byte 0,
// and 16 bytes of header followed by the weights that are not zero, in order.
// Empty where TFKD_ENGINE_TFLM is not defined.
#ifdef TFKD_ENGINE_TFLM

#include "decode_pruned.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>

#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/micro/kernels/kernel_util.h"
#include "tensorflow/lite/micro/micro_context.h"
#include "tensorflow/lite/micro/micro_log.h"

namespace tfkd {
namespace tflm {
namespace {

constexpr size_t kHeaderBytes = 16;
constexpr uint8_t kPruning = 2;        // header byte 0
constexpr uint8_t kHeaderVersion = 1;  // header byte 1
constexpr uint8_t kFormatVersion = 1;  // header byte 4

int FirstSetBit(uint32_t bits) {
#ifdef __GNUC__
  return __builtin_clz(bits);
#else
  int position = 0;
  while ((bits & (0x80000000u >> position)) == 0) ++position;
  return position;
#endif
}

// The weights of up to eight bits, `bits` being left-aligned. Returns what is left of `kept`.
inline const int8_t* Scatter(uint32_t bits, const int8_t* kept, int8_t* weights) {
  while (bits != 0) {
    const int position = FirstSetBit(bits);
    weights[position] = *kept++;
    bits &= ~(0x80000000u >> position);
  }
  return kept;
}

void Unpack(const uint8_t* bitmap, const int8_t* kept, int8_t* weights, size_t count) {
  for (; count >= 8; count -= 8, weights += 8) {
    std::memset(weights, 0, 8);  // a constant size: two stores, no call
    kept = Scatter(static_cast<uint32_t>(*bitmap++) << 24, kept, weights);
  }
  if (count > 0) {
    std::memset(weights, 0, count);
    Scatter(static_cast<uint32_t>(*bitmap) << 24, kept, weights);
  }
}

bool ZeroPointsAreZero(const TfLiteTensor& tensor) {
  if (tensor.quantization.type != kTfLiteAffineQuantization || tensor.quantization.params == nullptr) {
    return tensor.params.zero_point == 0;
  }
  const auto* quantization = static_cast<const TfLiteAffineQuantization*>(tensor.quantization.params);
  for (int i = 0; i < quantization->zero_point->size; ++i) {
    if (quantization->zero_point->data[i] != 0) return false;
  }
  return true;
}

// Whether Unpack() will read and write no byte too many, and write what TFLM's own decoder writes.
bool Fits(const TfLiteTensor& bitmap, const TfLiteTensor& stored, const TfLiteTensor& weights) {
  if (bitmap.allocation_type != kTfLiteMmapRo || stored.allocation_type != kTfLiteMmapRo) return false;
  if (weights.type != kTfLiteInt8 || !ZeroPointsAreZero(weights)) return false;
  if (bitmap.bytes != (weights.bytes + 7) / 8 || stored.bytes < kHeaderBytes) return false;
  const uint8_t* header = stored.data.uint8;
  if (header[0] != kPruning || header[1] != kHeaderVersion || header[4] != kFormatVersion) return false;
  size_t kept = 0;
  for (size_t i = 0; i < bitmap.bytes; ++i) {
    for (uint32_t bits = bitmap.data.uint8[i]; bits != 0; bits &= bits - 1) ++kept;
  }
  const size_t unused_bits = 8 * bitmap.bytes - weights.bytes;
  const bool stray = (bitmap.bytes > 0) && (bitmap.data.uint8[bitmap.bytes - 1] & ((1u << unused_bits) - 1)) != 0;
  return !stray && kept == stored.bytes - kHeaderBytes;
}

TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  if (node->outputs->size == 0 || node->inputs->size != 2 * node->outputs->size) return kTfLiteError;
  MicroContext* micro_context = GetMicroContext(context);
  bool fits = true;
  for (int i = 0; fits && i < node->outputs->size; ++i) {
    TfLiteTensor* bitmap = micro_context->AllocateTempInputTensor(node, 2 * i);
    TfLiteTensor* stored = micro_context->AllocateTempInputTensor(node, 2 * i + 1);
    TfLiteTensor* weights = micro_context->AllocateTempOutputTensor(node, i);
    fits = bitmap != nullptr && stored != nullptr && weights != nullptr && Fits(*bitmap, *stored, *weights);
    for (TfLiteTensor* tensor : {weights, stored, bitmap}) {
      if (tensor != nullptr) micro_context->DeallocateTempTfLiteTensor(tensor);
    }
  }
  if (!fits) MicroPrintf("TFLM_DECODE: not the pruning format of int8 weights; use TFLM's own AddDecode()");
  return fits ? kTfLiteOk : kTfLiteError;
}

TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  for (int i = 0; i < node->outputs->size; ++i) {
    const TfLiteEvalTensor* bitmap = GetEvalInput(context, node, 2 * i);
    const TfLiteEvalTensor* stored = GetEvalInput(context, node, 2 * i + 1);
    TfLiteEvalTensor* weights = GetEvalOutput(context, node, i);
    size_t count = 1;
    for (int axis = 0; axis < weights->dims->size; ++axis) count *= static_cast<size_t>(weights->dims->data[axis]);
    Unpack(bitmap->data.uint8, stored->data.int8 + kHeaderBytes, weights->data.int8, count);
  }
  return kTfLiteOk;
}

}  // namespace

TFLMRegistration DecodePruned() {
  TFLMRegistration registration = {};
  registration.prepare = Prepare;
  registration.invoke = Invoke;
  return registration;
}

}  // namespace tflm
}  // namespace tfkd

#endif  // TFKD_ENGINE_TFLM
