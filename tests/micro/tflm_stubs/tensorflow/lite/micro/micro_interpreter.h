#pragma once
#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/micro/micro_allocator.h"
#include "tensorflow/lite/micro/micro_resource_variable.h"
#include "tensorflow/lite/schema/schema_generated.h"

#define TFLITE_SCHEMA_VERSION (3)

TFLM_STUB_CLASSES

class MicroProfilerInterface;

// The student's tensors, and how the interpreter fares.
struct Behaviour {
  TfLiteTensor input, output;
  size_t inputs, outputs;
  TfLiteStatus allocate, invoke, reset;
  uint8_t* arena;
  size_t arena_bytes;
  int variables, resets;
};

inline Behaviour behaviour;

class MicroInterpreter {
 public:
  template <class Resolver>
  MicroInterpreter(const Model*, const Resolver&, uint8_t* arena, size_t bytes,
                   MicroResourceVariables* variables = nullptr, MicroProfilerInterface* = nullptr, bool = false) {
    Found(arena, bytes, variables);
  }
  template <class Resolver>
  MicroInterpreter(const Model*, const Resolver&, MicroAllocator* allocator,
                   MicroResourceVariables* variables = nullptr, MicroProfilerInterface* = nullptr) {
    Found(allocator->arena, allocator->bytes, variables);
  }
  TfLiteStatus AllocateTensors() { return behaviour.allocate; }
  // Each output is the input of the same number, plus one.
  TfLiteStatus Invoke() {
    for (size_t i = 0; i < behaviour.output.bytes; ++i) {
      behaviour.output.data.int8[i] = static_cast<int8_t>(behaviour.input.data.int8[i] + 1);
    }
    return behaviour.invoke;
  }
  TfLiteStatus Reset() {
    ++behaviour.resets;
    return behaviour.reset;
  }
  TfLiteTensor* input(size_t) { return &behaviour.input; }
  TfLiteTensor* output(size_t) { return &behaviour.output; }
  size_t inputs_size() const { return behaviour.inputs; }
  size_t outputs_size() const { return behaviour.outputs; }
  size_t arena_used_bytes() const { return behaviour.arena_bytes - 100; }

 private:
  static void Found(uint8_t* arena, size_t bytes, const MicroResourceVariables* variables) {
    behaviour.arena = arena;
    behaviour.arena_bytes = bytes;
    behaviour.variables = variables == nullptr ? 0 : variables->count;
    behaviour.resets = 0;
  }
};

TFLM_STUB_END_CLASSES
