#include "nano_imu.h"
