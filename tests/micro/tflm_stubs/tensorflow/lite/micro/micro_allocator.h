#pragma once
#include "tensorflow/lite/c/common.h"

TFLM_STUB_CLASSES

enum class MemoryPlannerType { kGreedy, kLinear };

class MicroAllocator {
 public:
  static MicroAllocator* Create(uint8_t* arena, size_t bytes, MemoryPlannerType = MemoryPlannerType::kGreedy) {
    static MicroAllocator allocator;
    allocator.arena = arena;
    allocator.bytes = bytes;
    return &allocator;
  }

  uint8_t* arena;
  size_t bytes;
};

TFLM_STUB_END_CLASSES
