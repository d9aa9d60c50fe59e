#pragma once
#include "tensorflow/lite/micro/micro_common.h"

TFLM_STUB_CLASSES

template <unsigned int kCapacity>
class MicroMutableOpResolver {
 public:
  TfLiteStatus AddAdd(const TFLMRegistration& r = {}) { return Add(r); }
  TfLiteStatus AddAssignVariable() { return Add({}); }
  TfLiteStatus AddCallOnce() { return Add({}); }
  TfLiteStatus AddConcatenation() { return Add({}); }
  TfLiteStatus AddConv2D(const TFLMRegistration& r = {}) { return Add(r); }
  TfLiteStatus AddDecode(const TFLMRegistration& r = {}) { return Add(r); }
  TfLiteStatus AddDepthwiseConv2D(const TFLMRegistration& r = {}) { return Add(r); }
  TfLiteStatus AddFullyConnected(const TFLMRegistration& r = {}) { return Add(r); }
  TfLiteStatus AddMean(const TFLMRegistration& r = {}) { return Add(r); }
  TfLiteStatus AddReadVariable() { return Add({}); }
  TfLiteStatus AddReshape(const TFLMRegistration& r = {}) { return Add(r); }
  TfLiteStatus AddStridedSlice() { return Add({}); }
  TfLiteStatus AddVarHandle() { return Add({}); }
  TfLiteStatus AddCustom(const char*, const TFLMRegistration* r) { return Add(*r); }

 private:
  TfLiteStatus Add(const TFLMRegistration& r) {
    if (count_ == kCapacity) return kTfLiteError;
    registrations_[count_++] = r;
    return kTfLiteOk;
  }

  TFLMRegistration registrations_[kCapacity];
  unsigned int count_ = 0;
};

TFLM_STUB_END_CLASSES
