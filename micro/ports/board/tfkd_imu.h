/* From what a board's IMU gives to what the contract asks for: which channel, which unit, which way round.
 *
 * The contract's channels must be named acc_x, acc_y, acc_z, gyro_x, gyro_y, gyro_z (any of them, in any order), all with
 * the same place before it or none (right_wrist_acc_x), and be in g or m/s^2, deg/s or rad/s.
 */
#ifndef TFKD_IMU_H_
#define TFKD_IMU_H_

#include <stdint.h>

#include "tfkd_check.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tfkd_acceleration_unit { TFKD_G = 0, TFKD_METRES_PER_SECOND2 = 1 } tfkd_acceleration_unit;
typedef enum tfkd_rotation_unit { TFKD_DEGREES_PER_SECOND = 0, TFKD_RADIANS_PER_SECOND = 1 } tfkd_rotation_unit;

typedef struct tfkd_imu {
  uint8_t source[TFKD_CHANNELS]; /* 0 to 2: acceleration along the board's x, y, z; 3 to 5: rotation about them */
  float factor[TFKD_CHANNELS];   /* from the board's unit to the contract's, negative where the axis points back */
} tfkd_imu;

/* Prepares `imu`.
 *
 * Args:
 *   acceleration, rotation: the board's units.
 *   axes: where the x, y and z of the sensor that the student learned from lie on this board: 1, 2, 3 for the board's
 *     x, y, z, negative for the opposite direction. {1, 2, 3}: they are the same. {-2, 1, 3}: its x points along the
 *     board's -y, its y along the board's x: the board is strapped on turned by 90 degrees about z.
 *
 * Returns NULL, or what is wrong, for a person to read: the contract has another kind of channel, or the axes are not
 * those of a turned board (one twice, or mirrored). */
const char *tfkd_imu_init(tfkd_imu *imu, tfkd_acceleration_unit acceleration, tfkd_rotation_unit rotation,
                          const int8_t axes[3]);

/* One sample: the board's acceleration and rotation, in its units, become TFKD_CHANNELS values of the contract. */
void tfkd_imu_convert(const tfkd_imu *imu, const float acceleration[3], const float rotation[3],
                      float sample[TFKD_CHANNELS]);

/* The sensor's ranges, in the board's units, 0 if unknown, become tfkd_settings.range. */
void tfkd_imu_range(const tfkd_imu *imu, float acceleration, float rotation, float range[TFKD_CHANNELS]);

#ifdef __cplusplus
}
#endif

#endif /* TFKD_IMU_H_ */
