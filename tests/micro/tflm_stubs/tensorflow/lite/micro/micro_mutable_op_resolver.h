#pragma once
#include "tensorflow/lite/micro/micro_common.h"

TFLM_STUB_CLASSES

template <unsigned int kCapacity>
class MicroMutableOpResolver {
 public:
  TfLiteStatus AddAdd(const TFLMRegistration& r = {}) { return Add(r); }
  TfLiteStatus AddConv2D(const TFLMRegistration& r = {}) { return Add(r); }
  TfLiteStatus AddDecode(const TFLMRegistration& r = {}) { return Add(r); }
  TfLiteStatus AddDepthwiseConv2D(const TFLMRegistration& r = {}) { return Add(r); }
  TfLiteStatus AddFullyConnected(const TFLMRegistration& r = {}) { return Add(r); }
  TfLiteStatus AddMean(const TFLMRegistration& r = {}) { return Add(r); }
  TfLiteStatus AddReshape(const TFLMRegistration& r = {}) { return Add(r); }
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
