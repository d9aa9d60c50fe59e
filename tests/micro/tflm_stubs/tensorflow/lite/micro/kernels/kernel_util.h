#pragma once
#include "tensorflow/lite/micro/micro_context.h"

namespace tflite {
namespace micro {

inline TfLiteEvalTensor* GetEvalOutput(const TfLiteContext* context, const TfLiteNode*, int index) {
  return &GetMicroContext(context)->eval_outputs[index];
}

inline const TfLiteEvalTensor* GetEvalInput(const TfLiteContext* context, const TfLiteNode*, int index) {
  return &GetMicroContext(context)->eval_inputs[index];
}

}  // namespace micro
}  // namespace tflite
