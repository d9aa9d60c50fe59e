// One inference of the model in the file model.tflite, in TensorFlow Lite Micro with the operators of
// tfkd_resolver.h, for counting its instructions (inference.py). Whatever the model, the program stays the same.
extern "C" {
#include <semihost.h>
}

#include <cstdint>

#include "count_markers.h"
#include "tensorflow/lite/micro/micro_allocator.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_resource_variable.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tfkd_resolver.h"

namespace tfkd {
namespace tflm {

constexpr int kVariables = 32;

alignas(16) uint8_t content[1 << 20];
alignas(16) uint8_t arena[1 << 20];

int Count() {
  const int file = sys_semihost_open("model.tflite", 1);  // to read, as it is
  if (file < 0) return 2;
  if (sys_semihost_read(file, content, sizeof content) >= sizeof content) return 3;  // what could not be read
  static Resolver resolver;
  if (AddOperators(&resolver) != kTfLiteOk) return 4;
  MicroAllocator* allocator = MicroAllocator::Create(arena, sizeof arena);
  MicroResourceVariables* variables = MicroResourceVariables::Create(allocator, kVariables);
  MicroInterpreter interpreter(GetModel(content), resolver, allocator, variables);
  if (interpreter.AllocateTensors() != kTfLiteOk) return 5;
  // The first run gives variables their first values; those behind it do not.
  if (interpreter.Invoke() != kTfLiteOk) return 6;
  TfLiteTensor* input = interpreter.input(0);
  uint32_t noise = 1;
  for (size_t i = 0; i < input->bytes; ++i) {
    noise = noise * 1664525u + 1013904223u;
    input->data.int8[i] = static_cast<int8_t>(noise >> 24);
  }
  tfkd_count_begin();
  const TfLiteStatus status = interpreter.Invoke();
  tfkd_count_end();
  return status != kTfLiteOk;
}

}  // namespace tflm
}  // namespace tfkd

int main() { return tfkd::tflm::Count(); }
