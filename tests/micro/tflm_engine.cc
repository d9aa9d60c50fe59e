// The TFLM engine against the stub headers: prints what becomes of each way in which things can go.
#include <cstdio>
#include <cstring>

#include "student.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tfkd_resolver.h"

void MicroPrintf(const char*, ...) {}

namespace tfkd {
namespace tflm {

alignas(TFKD_STUDENT_ALIGNMENT) unsigned char memory[TFKD_STUDENT_MEMORY_BYTES + TFKD_STUDENT_ALIGNMENT];
int8_t input[TFKD_INPUT_SIZE], output[TFKD_CLASSES];
TfLiteIntArray input_shape = {TFKD_INPUT_RANK, TFKD_INPUT_SHAPE}, output_shape = {2, {1, TFKD_CLASSES}};

TfLiteTensor Tensor(int8_t* data, TfLiteIntArray* shape, size_t bytes, float scale, int zero_point) {
  TfLiteTensor tensor = {};
  tensor.params = {scale, zero_point};
  tensor.data.int8 = data;
  tensor.dims = shape;
  tensor.bytes = bytes;
  tensor.type = kTfLiteInt8;
  return tensor;
}

void Reset() {
  input_shape = {TFKD_INPUT_RANK, TFKD_INPUT_SHAPE};
  behaviour.input = Tensor(input, &input_shape, sizeof input, TFKD_INPUT_SCALE, TFKD_INPUT_ZERO_POINT);
  behaviour.output = Tensor(output, &output_shape, sizeof output, TFKD_OUTPUT_SCALE, TFKD_OUTPUT_ZERO_POINT);
  behaviour.inputs = behaviour.outputs = 1;
  behaviour.allocate = behaviour.invoke = behaviour.reset = kTfLiteOk;
  stub_schema_version = 3;
}

void Say(const char* what) {
  tfkd_student student;
  const tfkd_status status = tfkd_student_init(&student, memory, TFKD_STUDENT_MEMORY_BYTES);
  std::printf("%s: %d\n", what, status);
  if (status != TFKD_OK && student.engine != nullptr) std::printf("  an engine is left\n");
  Reset();
}

int Main() {
  Reset();
  tfkd_student student;
  std::printf("no student: %d\n", tfkd_student_init(nullptr, memory, TFKD_STUDENT_MEMORY_BYTES));
  std::printf("no memory: %d\n", tfkd_student_init(&student, nullptr, TFKD_STUDENT_MEMORY_BYTES));
  std::printf("misaligned: %d\n", tfkd_student_init(&student, memory + 1, TFKD_STUDENT_MEMORY_BYTES));
  std::printf("a byte too little: %d\n", tfkd_student_init(&student, memory, TFKD_STUDENT_MEMORY_BYTES - 1));
  std::printf("run without init: %d\n", tfkd_student_run(&student));
  std::printf("run nothing: %d\n", tfkd_student_run(nullptr));
  std::printf("reset without init: %d, nothing: %d\n", tfkd_student_reset(&student), tfkd_student_reset(nullptr));
  std::printf("arena of nothing: %u\n", static_cast<unsigned>(tfkd_tflm_arena_used(&student)));

  Say("sound");
  stub_schema_version = 4, Say("schema");
  behaviour.allocate = kTfLiteError, Say("allocation fails");
  behaviour.inputs = 2, Say("two inputs");
  behaviour.outputs = 0, Say("no output");
  behaviour.input.type = kTfLiteFloat32, Say("float input");
  behaviour.output.type = kTfLiteFloat32, Say("float output");
  input_shape.data[1] += 1, Say("input shape");
  input_shape.size -= 1, Say("input rank");
  behaviour.output.bytes += 1, Say("classes");
  behaviour.input.params.scale *= 2, Say("input scale");
  behaviour.output.params.zero_point += 1, Say("output zero point");

  std::printf("init: %d\n", tfkd_student_init(&student, memory, TFKD_STUDENT_MEMORY_BYTES));
  const bool inside = behaviour.arena >= memory + sizeof(Resolver) &&
                      behaviour.arena + behaviour.arena_bytes == memory + TFKD_STUDENT_MEMORY_BYTES;
  std::printf("arena inside: %d, aligned: %d, granted: %d\n", inside, (behaviour.arena - memory) % 16 == 0,
              behaviour.arena_bytes >= STUDENT_MODEL_ARENA_BYTES);
  std::memset(student.input, 41, TFKD_INPUT_SIZE);
  const tfkd_status status = tfkd_student_run(&student);
  std::printf("run: %d, output: %d %d\n", status, student.output[0], student.output[TFKD_CLASSES - 1]);
  std::printf("arena used: %d\n", tfkd_tflm_arena_used(&student) == behaviour.arena_bytes - 100);
  behaviour.invoke = kTfLiteError;
  std::printf("run fails: %d\n", tfkd_student_run(&student));
  const tfkd_status cleared = tfkd_student_reset(&student);
  std::printf("reset: %d, interpreters: %d, variables: %d\n", cleared, behaviour.resets, behaviour.variables);
  behaviour.reset = kTfLiteError;
  std::printf("reset fails: %d\n", tfkd_student_reset(&student));
  std::printf("%s\n", tfkd_student_engine());
  return 0;
}

}  // namespace tflm
}  // namespace tfkd

int main() { return tfkd::tflm::Main(); }
