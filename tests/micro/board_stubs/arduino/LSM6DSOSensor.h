// Stand-in for the library "STM32duino LSM6DSO".
#pragma once

#include <stdint.h>

#include "Wire.h"

typedef enum { LSM6DSO_OK = 0, LSM6DSO_ERROR = -1 } LSM6DSOStatusTypeDef;

class LSM6DSOSensor {
 public:
  explicit LSM6DSOSensor(TwoWire *i2c, uint8_t address = 0xD7);
  LSM6DSOStatusTypeDef begin();
  LSM6DSOStatusTypeDef Enable_X();
  LSM6DSOStatusTypeDef Enable_G();
  LSM6DSOStatusTypeDef Set_X_ODR(float hertz);
  LSM6DSOStatusTypeDef Set_G_ODR(float hertz);
  LSM6DSOStatusTypeDef Set_X_FS(int32_t g);
  LSM6DSOStatusTypeDef Set_G_FS(int32_t degrees);
  LSM6DSOStatusTypeDef Get_X_Axes(int32_t *milli_g);
  LSM6DSOStatusTypeDef Get_G_Axes(int32_t *milli_degrees);
  LSM6DSOStatusTypeDef Get_X_DRDY_Status(uint8_t *ready);
};
