// The student on the user's own TensorFlow Lite Micro. Empty where TFKD_ENGINE_TFLM is not defined.
#ifdef TFKD_ENGINE_TFLM

#include <new>

#include "student.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tfkd_resolver.h"

#if TFKD_MEMORY > 0
#include "tensorflow/lite/micro/micro_allocator.h"
#include "tensorflow/lite/micro/micro_resource_variable.h"
#endif

namespace tfkd {
namespace tflm {
namespace {

static_assert(kOperators == STUDENT_MODEL_OPERATORS,
              "tfkd_resolver.h and student_model.h come from different exports: generate both again");

// Stands at the beginning of the caller's memory; the rest of it is the arena. Never destroyed: neither
// object holds anything outside that memory.
struct Engine {
#if TFKD_MEMORY > 0
  // What the student remembers is the model's variables, for which the interpreter is to be given room; that has to
  // come out of the same arena.
  Engine(const Model* model, uint8_t* arena, size_t bytes) : Engine(model, MicroAllocator::Create(arena, bytes)) {}
  Engine(const Model* model, MicroAllocator* allocator)
      : interpreter(model, resolver, allocator, MicroResourceVariables::Create(allocator, STUDENT_MODEL_VARIABLES)) {}
#else
  Engine(const Model* model, uint8_t* arena, size_t bytes) : interpreter(model, resolver, arena, bytes) {}
#endif

  Resolver resolver;
  MicroInterpreter interpreter;
};

constexpr size_t kArenaOffset = TFKD_TFLM_OBJECT_BYTES / TFKD_STUDENT_ALIGNMENT * TFKD_STUDENT_ALIGNMENT;
static_assert(sizeof(Engine) <= kArenaOffset,
              "this TensorFlow Lite Micro has larger objects: raise TFKD_TFLM_OBJECT_BYTES in student_tflm.h");

bool Quantized(const TfLiteTensor* tensor, size_t values, float scale, int zero_point) {
  return tensor != nullptr && tensor->type == kTfLiteInt8 && tensor->bytes == values &&
         tensor->params.scale == scale && tensor->params.zero_point == zero_point;
}

bool HasInputShape(const TfLiteTensor* tensor) {
  constexpr int kShape[TFKD_INPUT_RANK] = TFKD_INPUT_SHAPE;
  if (tensor->dims->size != TFKD_INPUT_RANK) return false;
  for (int axis = 0; axis < TFKD_INPUT_RANK; ++axis) {
    if (tensor->dims->data[axis] != kShape[axis]) return false;
  }
  return true;
}

tfkd_status Init(tfkd_student* student, uint8_t* memory, size_t bytes) {
  const Model* model = GetModel(student_model);
  if (model->version() != TFLITE_SCHEMA_VERSION) return TFKD_WRONG_MODEL;
  Engine* engine = new (memory) Engine(model, memory + kArenaOffset, bytes - kArenaOffset);
  if (AddOperators(&engine->resolver) != kTfLiteOk) return TFKD_ENGINE_FAILED;
  MicroInterpreter& interpreter = engine->interpreter;
  if (interpreter.inputs_size() != 1 || interpreter.outputs_size() != 1) return TFKD_WRONG_MODEL;
  // Nothing else is left to go wrong with operators and model of one export.
  if (interpreter.AllocateTensors() != kTfLiteOk) return TFKD_TOO_LITTLE_MEMORY;
  const TfLiteTensor* input = interpreter.input(0);
  const TfLiteTensor* output = interpreter.output(0);
  if (!Quantized(input, TFKD_INPUT_SIZE, TFKD_INPUT_SCALE, TFKD_INPUT_ZERO_POINT) || !HasInputShape(input) ||
      !Quantized(output, TFKD_CLASSES, TFKD_OUTPUT_SCALE, TFKD_OUTPUT_ZERO_POINT)) {
    return TFKD_WRONG_MODEL;
  }
  student->input = input->data.int8;
  student->output = output->data.int8;
  student->engine = engine;
  return TFKD_OK;
}

Engine* EngineOf(const tfkd_student* student) {
  return student == nullptr ? nullptr : static_cast<Engine*>(student->engine);
}

tfkd_status Run(Engine* engine) {
  if (engine == nullptr) return TFKD_BAD_ARGUMENT;
  return engine->interpreter.Invoke() == kTfLiteOk ? TFKD_OK : TFKD_ENGINE_FAILED;
}

// To each variable's zero point, which is what it begins with.
tfkd_status Reset(Engine* engine) {
  if (engine == nullptr) return TFKD_BAD_ARGUMENT;
#if TFKD_MEMORY > 0
  if (engine->interpreter.Reset() != kTfLiteOk) return TFKD_ENGINE_FAILED;
#endif
  return TFKD_OK;
}

}  // namespace
}  // namespace tflm
}  // namespace tfkd

tfkd_status tfkd_student_init(tfkd_student* student, void* memory, size_t bytes) {
  if (student == nullptr || memory == nullptr) return TFKD_BAD_ARGUMENT;
  student->input = nullptr;
  student->output = nullptr;
  student->engine = nullptr;
  if (reinterpret_cast<uintptr_t>(memory) % TFKD_STUDENT_ALIGNMENT != 0) return TFKD_MISALIGNED;
  // Not left to AllocateTensors(): with far too small an arena, it can crash before it fails.
  if (bytes < TFKD_STUDENT_MEMORY_BYTES) return TFKD_TOO_LITTLE_MEMORY;
  return tfkd::tflm::Init(student, static_cast<uint8_t*>(memory), bytes);
}

tfkd_status tfkd_student_run(tfkd_student* student) { return tfkd::tflm::Run(tfkd::tflm::EngineOf(student)); }

tfkd_status tfkd_student_reset(tfkd_student* student) { return tfkd::tflm::Reset(tfkd::tflm::EngineOf(student)); }

size_t tfkd_tflm_arena_used(const tfkd_student* student) {
  const auto* engine = tfkd::tflm::EngineOf(student);
  return engine == nullptr ? 0 : engine->interpreter.arena_used_bytes();
}

const char* tfkd_student_engine(void) { return "TensorFlow Lite Micro"; }

#endif  // TFKD_ENGINE_TFLM
