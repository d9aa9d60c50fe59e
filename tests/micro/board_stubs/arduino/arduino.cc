// The stand-ins' bodies: time, button and sensors follow the table of samples, Serial is standard output.
#include <stdio.h>
#include <stdlib.h>

#include "Arduino.h"
#include "LSM6DSOSensor.h"
#include "nano_imu.h"
#include "samples.h"

SerialPort Serial;
TwoWire Wire;
NanoImu IMU;

static int begun = 0;
static bool fresh = false;

static const sample_row &row() { return sample_rows[sample_at < 0 ? 0 : sample_at]; }

// Between two samples there is one look in vain, and a row that cannot be read brings NaN or an error.
static bool arrived() {
  if (!begun) abort();
  fresh = !fresh;
  if (!fresh) return false;
  next_sample();
  return true;
}

void pinMode(int, int) {}
void digitalWrite(int, int) {}
int digitalRead(int pin) { return pin == 2 && row().pressed ? LOW : HIGH; }
unsigned long micros() { return row().time_us; }
unsigned long millis() { return 5000; }
void delay(unsigned long) {
  fflush(stdout);
  exit(0);
}

void SerialPort::begin(unsigned long) {}
SerialPort::operator bool() const { return true; }
int SerialPort::available() { return 0; }
int SerialPort::read() { return -1; }
size_t SerialPort::print(const char *text) { return static_cast<size_t>(printf("%s", text)); }
size_t SerialPort::print(char character) { return static_cast<size_t>(printf("%c", character)); }
size_t SerialPort::print(int value) { return static_cast<size_t>(printf("%d", value)); }
size_t SerialPort::print(unsigned int value) { return static_cast<size_t>(printf("%u", value)); }
size_t SerialPort::print(unsigned long value) { return static_cast<size_t>(printf("%lu", value)); }
size_t SerialPort::print(double value) { return static_cast<size_t>(printf("%.2f", value)); }

void TwoWire::begin() {}

int NanoImu::begin() { return begun = 1; }
int NanoImu::accelerationAvailable() { return arrived(); }
static int read_nano(const float *values, float &x, float &y, float &z) {
  x = row().readable ? values[0] : NAN;
  y = row().readable ? values[1] : NAN;
  z = row().readable ? values[2] : NAN;
  return row().readable;
}
int NanoImu::readAcceleration(float &x, float &y, float &z) { return read_nano(row().values, x, y, z); }
int NanoImu::readGyroscope(float &x, float &y, float &z) { return read_nano(row().values + 3, x, y, z); }

LSM6DSOSensor::LSM6DSOSensor(TwoWire *i2c, uint8_t) {
  if (i2c != &Wire) abort();
}
LSM6DSOStatusTypeDef LSM6DSOSensor::begin() {
  begun = 1;
  return LSM6DSO_OK;
}
LSM6DSOStatusTypeDef LSM6DSOSensor::Enable_X() { return LSM6DSO_OK; }
LSM6DSOStatusTypeDef LSM6DSOSensor::Enable_G() { return LSM6DSO_OK; }
LSM6DSOStatusTypeDef LSM6DSOSensor::Set_X_ODR(float) { return LSM6DSO_OK; }
LSM6DSOStatusTypeDef LSM6DSOSensor::Set_G_ODR(float) { return LSM6DSO_OK; }
LSM6DSOStatusTypeDef LSM6DSOSensor::Set_X_FS(int32_t g) { return g == 8 ? LSM6DSO_OK : LSM6DSO_ERROR; }
LSM6DSOStatusTypeDef LSM6DSOSensor::Set_G_FS(int32_t degrees) { return degrees == 1000 ? LSM6DSO_OK : LSM6DSO_ERROR; }
static LSM6DSOStatusTypeDef read_st(const float *values, int32_t *thousandths) {
  for (int i = 0; i < 3; ++i) thousandths[i] = static_cast<int32_t>(lrintf(values[i] * 1000.0f));
  return row().readable ? LSM6DSO_OK : LSM6DSO_ERROR;
}
LSM6DSOStatusTypeDef LSM6DSOSensor::Get_X_Axes(int32_t *milli_g) { return read_st(row().values, milli_g); }
LSM6DSOStatusTypeDef LSM6DSOSensor::Get_G_Axes(int32_t *milli_degrees) {
  return read_st(row().values + 3, milli_degrees);
}
LSM6DSOStatusTypeDef LSM6DSOSensor::Get_X_DRDY_Status(uint8_t *ready) {
  *ready = arrived();
  return LSM6DSO_OK;
}

int main() {
  setup();
  for (;;) loop();
}
