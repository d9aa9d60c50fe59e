#pragma once
#include "tensorflow/lite/micro/micro_common.h"

TFLM_STUB_CLASSES
inline TFLMRegistration Register_DEPTHWISE_CONV_2D_INT8() { return {}; }
inline TFLMRegistration Register_DEPTHWISE_CONV_2D_INT4() { return {}; }
TFLM_STUB_END_CLASSES
