#pragma once
#include "tensorflow/lite/micro/stub.h"

TFLM_STUB_TYPES

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };
enum TfLiteType { kTfLiteFloat32 = 1, kTfLiteUInt8 = 3, kTfLiteInt8 = 9 };
enum TfLiteAllocationType { kTfLiteMmapRo = 1, kTfLiteArenaRw = 2 };
enum TfLiteQuantizationType { kTfLiteNoQuantization = 0, kTfLiteAffineQuantization = 1 };

struct TfLiteIntArray {
  int size;
  int data[4];
};

struct TfLiteAffineQuantization {
  void* scale;
  TfLiteIntArray* zero_point;
  int32_t quantized_dimension;
};

struct TfLiteQuantization {
  TfLiteQuantizationType type;
  void* params;
};

struct TfLiteQuantizationParams {
  float scale;
  int32_t zero_point;
};

union TfLitePtrUnion {
  void* data;
  int8_t* int8;
  uint8_t* uint8;
};

struct TfLiteTensor {
  TfLiteQuantization quantization;
  TfLiteQuantizationParams params;
  TfLitePtrUnion data;
  TfLiteIntArray* dims;
  size_t bytes;
  TfLiteType type;
  TfLiteAllocationType allocation_type;
};

struct TfLiteEvalTensor {
  TfLitePtrUnion data;
  TfLiteIntArray* dims;
  TfLiteType type;
};

struct TfLiteNode {
  TfLiteIntArray* inputs;
  TfLiteIntArray* outputs;
};

struct TfLiteContext {
  void* impl_;
};

TFLM_STUB_END_TYPES
