// The board's IMU: acceleration and rotation along its x, y and z, both in one go. To add another sensor, write the six
// things below for it: two units, two ranges, imu_begin and imu_read.
//
// A sample is there when the acceleration is new, and takes the latest rotation along: both run at one rate. To wait
// for both flags could mean to wait forever, as asking for one of them clears the other in the BMI270's library.
#pragma once

#include <tfkd_student.h>

#if defined(TFKD_IMU_IKS01A3)

// STM32 Nucleo with the shield X-NUCLEO-IKS01A3. Library: STM32duino LSM6DSO.
#include <LSM6DSOSensor.h>
#include <Wire.h>

static LSM6DSOSensor imu_sensor(&Wire);
static const tfkd_acceleration_unit imu_acceleration_unit = TFKD_G;
static const tfkd_rotation_unit imu_rotation_unit = TFKD_DEGREES_PER_SECOND;
static const float imu_acceleration_range = 8.0f;
static const float imu_rotation_range = 1000.0f;

static inline bool imu_begin() {
  Wire.begin();
  return imu_sensor.begin() == LSM6DSO_OK && imu_sensor.Set_X_FS(8) == LSM6DSO_OK &&
         imu_sensor.Set_G_FS(1000) == LSM6DSO_OK && imu_sensor.Set_X_ODR(104.0f) == LSM6DSO_OK &&
         imu_sensor.Set_G_ODR(104.0f) == LSM6DSO_OK && imu_sensor.Enable_X() == LSM6DSO_OK &&
         imu_sensor.Enable_G() == LSM6DSO_OK;
}

// True with a new sample. A reading that fails is NaN, which the student's firmware reports.
static inline bool imu_read(float acceleration[3], float rotation[3]) {
  uint8_t ready = 0;
  int32_t milli_g[3] = {}, milli_degrees[3] = {};
  imu_sensor.Get_X_DRDY_Status(&ready);
  if (!ready) return false;
  const bool good = imu_sensor.Get_X_Axes(milli_g) == LSM6DSO_OK && imu_sensor.Get_G_Axes(milli_degrees) == LSM6DSO_OK;
  for (int i = 0; i < 3; ++i) {
    acceleration[i] = good ? static_cast<float>(milli_g[i]) / 1000.0f : NAN;
    rotation[i] = good ? static_cast<float>(milli_degrees[i]) / 1000.0f : NAN;
  }
  return true;
}

#else

// Arduino Nano 33 BLE (Sense): LSM9DS1, 119 samples a second. Rev2: BMI270, 100 samples a second; its library turns the
// axes so that they are those of the first board. Both libraries give g and deg/s and fix the ranges.
#if defined(TFKD_IMU_NANO_REV2)
#include <Arduino_BMI270_BMM150.h>
#else
#include <Arduino_LSM9DS1.h>
#endif

static const tfkd_acceleration_unit imu_acceleration_unit = TFKD_G;
static const tfkd_rotation_unit imu_rotation_unit = TFKD_DEGREES_PER_SECOND;
// The largest raw value, 32767 of 32768, is just below the range; a step further in it is surely told.
static const float imu_acceleration_range = 4.0f * 32766.0f / 32768.0f;
static const float imu_rotation_range = 2000.0f * 32766.0f / 32768.0f;

static inline bool imu_begin() { return IMU.begin() != 0; }

// True with a new sample. A reading that fails is NaN, which the student's firmware reports.
static inline bool imu_read(float acceleration[3], float rotation[3]) {
  if (!IMU.accelerationAvailable()) return false;
  if (!IMU.readAcceleration(acceleration[0], acceleration[1], acceleration[2])) acceleration[0] = NAN;
  if (!IMU.readGyroscope(rotation[0], rotation[1], rotation[2])) rotation[0] = NAN;
  return true;
}

#endif
