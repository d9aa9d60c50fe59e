// Says on the serial monitor (115200 baud) what the wearer is doing.
//
// For the Arduino Nano 33 BLE Sense (and the Nano 33 BLE), whose sensor is on the board. On a Rev2 board, which has
// another sensor, take the slashes off the next line. imu.h knows one more board; README.md tells how to add yours.
// #define TFKD_IMU_NANO_REV2
//
// A student trained on sliding windows speaks up by itself. One trained on whole trials decides one movement at a time:
// hold the button while you make it (a push button between pin 2 and GND, or a Nucleo's blue one), or send an empty
// line from the serial monitor before and after it.

#include <Arduino.h>
#include <tfkd_student.h>

#include "imu.h"

// Where the x, y and z of the sensor that the student learned from lie on this board: 1, 2, 3 for the board's x, y, z,
// negative for the opposite direction. README.md tells how to find out.
static const int8_t axes[3] = {1, 2, 3};

#if defined(USER_BTN)  // STM32 Nucleo boards have a button
static const int button_pin = USER_BTN;
#else
static const int button_pin = 2;
#endif

static tfkd_board board;
static tfkd_imu imu;

// The event sink.
static void show(void *, const tfkd_event *event) {
  Serial.print(event->time_us / 1000u);
  Serial.print(" ms ");
  Serial.print(tfkd_event_name(event->kind));
  if (event->label >= 0) {
    Serial.print(' ');
    Serial.print(tfkd_labels[event->label]);
    Serial.print(' ');
    Serial.print(event->confidence * 100.0f / TFKD_ONE);
    Serial.println(" %");
    digitalWrite(LED_BUILTIN, event->kind == TFKD_EVENT_STARTED ? HIGH : LOW);
  } else {
    Serial.print(' ');
    Serial.println(event->value);
  }
}

static void stop(const char *why) {
  for (;;) {
    Serial.println(why);
    delay(2000);
  }
}

static bool pressed() {
  static bool by_line = false;
  while (Serial.available() > 0) {
    if (Serial.read() == '\n') by_line = !by_line;
  }
  return by_line || digitalRead(button_pin) == LOW;
}

void setup() {
  Serial.begin(115200);
  pinMode(LED_BUILTIN, OUTPUT);
  pinMode(button_pin, INPUT_PULLUP);
  while (!Serial && millis() < 3000) {
  }
  Serial.print(tfkd_student_engine());
  Serial.println(TFKD_WINDOWING_STREAM ? ", sliding windows" : ", whole trials: hold the button while you move");

  const char *wrong = tfkd_imu_init(&imu, imu_acceleration_unit, imu_rotation_unit, axes);
  if (wrong) stop(wrong);
  if (!imu_begin()) stop("The IMU does not answer. Is it the one that imu.h was told?");
  tfkd_settings settings = tfkd_default_settings();
  tfkd_imu_range(&imu, imu_acceleration_range, imu_rotation_range, settings.range);
  if (tfkd_board_init(&board, &settings, tfkd_sink{show, nullptr}) != TFKD_OK) stop("The student does not start.");
}

// The sample source.
void loop() {
  float acceleration[3], rotation[3], sample[TFKD_CHANNELS];
  if (imu_read(acceleration, rotation)) {
    const uint32_t now = micros();
    tfkd_imu_convert(&imu, acceleration, rotation, sample);
    tfkd_board_take(&board, now, sample, pressed());
  } else {
    tfkd_board_wait(&board, micros(), pressed());
  }
}
