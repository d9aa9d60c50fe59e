// Stand-in for what the libraries of both Nano sensors have in common.
#pragma once

class NanoImu {
 public:
  int begin();
  int accelerationAvailable();
  int readAcceleration(float &x, float &y, float &z);
  int readGyroscope(float &x, float &y, float &z);
};

extern NanoImu IMU;
