// Runs the golden windows on the board and tells whether every output is the recorded one, byte for byte, and how long
// an inference takes. No sensor is needed. Serial monitor: 115200 baud.

#include <Arduino.h>
#include <tfkd_student.h>

#include "golden_windows.h"

alignas(TFKD_STUDENT_ALIGNMENT) static unsigned char memory[TFKD_STUDENT_MEMORY_BYTES];
static tfkd_student student;

void setup() {
  Serial.begin(115200);
  while (!Serial && millis() < 3000) {
  }
}

void loop() {
  int identical = 0;
  uint32_t longest_us = 0;
  tfkd_status status = tfkd_student_init(&student, memory, sizeof memory);
  for (int i = 0; i < GOLDEN_WINDOWS && status == TFKD_OK; ++i) {
    memcpy(student.input, golden_inputs[i], TFKD_INPUT_SIZE);
    const uint32_t begin = micros();
    status = tfkd_student_run(&student);
    const uint32_t took = micros() - begin;
    if (took > longest_us) longest_us = took;
    if (status == TFKD_OK && memcmp(student.output, golden_outputs[i], TFKD_CLASSES) == 0) ++identical;
  }
  Serial.print("status ");
  Serial.print(static_cast<int>(status));
  Serial.print(", identical ");
  Serial.print(identical);
  Serial.print(" of ");
  Serial.print(GOLDEN_WINDOWS);
  Serial.print(", longest inference ");
  Serial.print(longest_us);
  Serial.println(" us");
  delay(5000);
}
