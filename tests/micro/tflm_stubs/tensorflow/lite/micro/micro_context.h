#pragma once
#include "tensorflow/lite/c/common.h"

TFLM_STUB_CLASSES

// Hands out the tensors of one node, and counts those that were not handed back.
class MicroContext {
 public:
  MicroContext(TfLiteTensor* inputs, TfLiteTensor* outputs) : inputs_(inputs), outputs_(outputs) {}
  TfLiteTensor* AllocateTempInputTensor(const TfLiteNode*, int index) { return ++out, &inputs_[index]; }
  TfLiteTensor* AllocateTempOutputTensor(const TfLiteNode*, int index) { return ++out, &outputs_[index]; }
  void DeallocateTempTfLiteTensor(TfLiteTensor*) { --out; }

  int out = 0;
  TfLiteEvalTensor* eval_inputs = nullptr;
  TfLiteEvalTensor* eval_outputs = nullptr;

 private:
  TfLiteTensor* inputs_;
  TfLiteTensor* outputs_;
};

inline MicroContext* GetMicroContext(const TfLiteContext* context) {
  return static_cast<MicroContext*>(context->impl_);
}

TFLM_STUB_END_CLASSES
