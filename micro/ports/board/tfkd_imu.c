#include "tfkd_imu.h"

#include <stddef.h>
#include <string.h>

/* Each unit's size in the first unit of its kind. */
typedef struct unit {
  const char *name;
  float size;
} unit;

static const unit acceleration_units[2] = {{"g", 1.0f}, {"m/s^2", 1.0f / 9.80665f}};
static const unit rotation_units[2] = {{"deg/s", 1.0f}, {"rad/s", 57.29577951f}};

/* How many of the contract's unit one of the board's is; 0 if the contract's is unknown. */
static float factor_between(const unit units[2], int board, const char *wanted) {
  for (int i = 0; i < 2; ++i) {
    /* Equal units are left alone to the last bit. */
    if (strcmp(units[i].name, wanted) == 0) return i == board ? 1.0f : units[board].size / units[i].size;
  }
  return 0.0f;
}

/* Three different axes that one can turn a board to: an even number of swaps and reversals. */
static int can_be_turned_to(const int8_t axes[3]) {
  int place[3];
  int odd = 0;
  for (int i = 0; i < 3; ++i) {
    if (axes[i] < -3 || axes[i] > 3 || axes[i] == 0) return 0;
    place[i] = axes[i] < 0 ? -axes[i] : axes[i];
    odd ^= axes[i] < 0;
    for (int before = 0; before < i; ++before) {
      if (place[before] == place[i]) return 0;
      odd ^= place[before] > place[i];
    }
  }
  return !odd;
}

const char *tfkd_imu_init(tfkd_imu *imu, tfkd_acceleration_unit acceleration, tfkd_rotation_unit rotation,
                          const int8_t axes[3]) {
  if (!can_be_turned_to(axes)) {
    return "The axes must be 1, 2 and 3 in some order and with signs, such that a board can be turned to lie that way.";
  }
  size_t place = 0;
  for (int channel = 0; channel < TFKD_CHANNELS; ++channel) {
    const char *name = tfkd_channels[channel];
    const size_t length = strlen(name);
    const char *axis = length > 0 ? name + length - 1 : name;
    const int rotates = length >= 6 && strncmp(axis - 5, "gyro_", 5) == 0;
    const int accelerates = length >= 5 && strncmp(axis - 4, "acc_", 4) == 0;
    if (*axis < 'x' || *axis > 'z' || !(rotates || accelerates)) {
      return "The contract has a channel that is none of acc_x, acc_y, acc_z, gyro_x, gyro_y, gyro_z.";
    }
    /* What stands before it is the sensor's place on the body. */
    const size_t before = length - (rotates ? 6 : 5);
    if (channel == 0) place = before;
    if (before != place || strncmp(name, tfkd_channels[0], place) != 0) {
      return "The contract has channels of several places on the body, but a board has one IMU.";
    }
    const float factor = rotates ? factor_between(rotation_units, rotation, tfkd_units[channel])
                                 : factor_between(acceleration_units, acceleration, tfkd_units[channel]);
    if (!(factor > 0.0f)) return "The contract has a unit that is none of g, m/s^2, deg/s, rad/s.";
    const int8_t along = axes[axis[0] - 'x'];
    imu->source[channel] = (uint8_t)((along < 0 ? -along : along) - 1 + (rotates ? 3 : 0));
    imu->factor[channel] = along < 0 ? -factor : factor;
  }
  return NULL;
}

void tfkd_imu_convert(const tfkd_imu *imu, const float acceleration[3], const float rotation[3],
                      float sample[TFKD_CHANNELS]) {
  for (int channel = 0; channel < TFKD_CHANNELS; ++channel) {
    const int source = imu->source[channel];
    sample[channel] = (source < 3 ? acceleration[source] : rotation[source - 3]) * imu->factor[channel];
  }
}

void tfkd_imu_range(const tfkd_imu *imu, float acceleration, float rotation, float range[TFKD_CHANNELS]) {
  for (int channel = 0; channel < TFKD_CHANNELS; ++channel) {
    const float factor = imu->factor[channel] < 0.0f ? -imu->factor[channel] : imu->factor[channel];
    range[channel] = (imu->source[channel] < 3 ? acceleration : rotation) * factor;
  }
}
