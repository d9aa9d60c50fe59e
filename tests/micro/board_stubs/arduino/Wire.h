// Stand-in for the Arduino core's I2C.
#pragma once

class TwoWire {
 public:
  void begin();
};

extern TwoWire Wire;
