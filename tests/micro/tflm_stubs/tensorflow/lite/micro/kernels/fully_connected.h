#pragma once
#include "tensorflow/lite/micro/micro_common.h"

TFLM_STUB_CLASSES
inline TFLMRegistration Register_FULLY_CONNECTED_INT8() { return {}; }
TFLM_STUB_END_CLASSES
