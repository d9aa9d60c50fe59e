// The decoder of pruned weights against the stub headers. Reads, for each case, from cases.h: the stored
// tensors, the size of the weights and a spoilt fact; prints "ok", "differs" or "refused".
#include <cstdio>
#include <cstring>
#include <vector>

#include "decode_pruned.h"
#include "tensorflow/lite/micro/micro_context.h"

void MicroPrintf(const char*, ...) {}

namespace tfkd {
namespace tflm {

struct Case {
  std::vector<uint8_t> bitmap, stored;
  std::vector<int8_t> weights;
};

#include "cases.h"

TfLiteTensor inputs[2], outputs[1];
TfLiteIntArray two = {2, {0, 1}}, one = {1, {2}}, zero_points = {2, {0, 0}};
TfLiteAffineQuantization per_channel = {nullptr, &zero_points, 0};

// Copies on the heap, of the exact size: the address sanitizer sees any byte too many.
void Run(const Case& c, const char* spoilt = "") {
  std::vector<uint8_t> bitmap(c.bitmap), stored(c.stored);
  std::vector<int8_t> weights(c.weights.size(), 99);
  TfLiteIntArray flat = {1, {static_cast<int>(bitmap.size())}};
  TfLiteIntArray shape = {2, {1, static_cast<int>(weights.size())}};
  inputs[0] = inputs[1] = outputs[0] = {};
  inputs[0].data.uint8 = bitmap.data(), inputs[0].bytes = bitmap.size(), inputs[0].dims = &flat;
  inputs[1].data.uint8 = stored.data(), inputs[1].bytes = stored.size(), inputs[1].dims = &flat;
  inputs[0].type = inputs[1].type = kTfLiteUInt8;
  inputs[0].allocation_type = inputs[1].allocation_type = kTfLiteMmapRo;
  outputs[0].bytes = weights.size(), outputs[0].type = kTfLiteInt8, outputs[0].dims = &shape;
  outputs[0].quantization = {kTfLiteAffineQuantization, &per_channel};
  TfLiteNode node = {&two, &one};
  const auto is = [spoilt](const char* what) { return std::strcmp(spoilt, what) == 0; };
  zero_points.data[1] = is("zero point of a channel") ? 1 : 0;
  if (is("one zero point")) outputs[0].quantization.type = kTfLiteNoQuantization, outputs[0].params.zero_point = -3;
  if (is("float weights")) outputs[0].type = kTfLiteFloat32;
  if (is("computed bit map")) inputs[0].allocation_type = kTfLiteArenaRw;
  if (is("short bit map")) inputs[0].bytes -= 1;
  if (is("a weight missing")) inputs[1].bytes -= 1;
  if (is("less than a header")) inputs[1].bytes = 15;
  if (is("other type")) stored[0] = 0;
  if (is("other header")) stored[1] = 2;
  if (is("other format")) stored[4] = 0;
  if (is("stray bit")) bitmap.back() |= 1, bitmap.front() &= 0x7f;
  if (is("one input")) node.inputs = &one;
  MicroContext micro_context(inputs, outputs);
  TfLiteContext context = {&micro_context};
  const TFLMRegistration registration = DecodePruned();
  const TfLiteStatus prepared = registration.prepare(&context, &node);
  if (micro_context.out != 0) std::printf("temporary tensors not handed back, ");
  if (prepared != kTfLiteOk) {
    std::printf("refused %s\n", spoilt);
    return;
  }
  TfLiteEvalTensor eval_inputs[] = {{inputs[0].data, &flat, kTfLiteUInt8}, {inputs[1].data, &flat, kTfLiteUInt8}};
  TfLiteEvalTensor eval_outputs[] = {{{weights.data()}, &shape, kTfLiteInt8}};
  micro_context.eval_inputs = eval_inputs, micro_context.eval_outputs = eval_outputs;
  const TfLiteStatus invoked = registration.invoke(&context, &node);
  std::printf(invoked == kTfLiteOk && weights == c.weights ? "ok\n" : "differs\n");
}

int Main() {
  for (const Case& c : kCases) Run(c);
  for (const char* spoilt : kSpoilt) Run(kCases[0], spoilt);
  return 0;
}

}  // namespace tflm
}  // namespace tfkd

int main() { return tfkd::tflm::Main(); }
