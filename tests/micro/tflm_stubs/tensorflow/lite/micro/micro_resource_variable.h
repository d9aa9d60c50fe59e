#pragma once
#include "tensorflow/lite/micro/micro_allocator.h"

TFLM_STUB_CLASSES

class MicroResourceVariables {
 public:
  static MicroResourceVariables* Create(MicroAllocator*, int num_variables) {
    static MicroResourceVariables variables;
    variables.count = num_variables;
    return &variables;
  }

  int count;
};

TFLM_STUB_END_CLASSES
