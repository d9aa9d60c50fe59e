/* Says on the console what the wearer is doing, on any board with an IMU that Zephyr has a driver for.
 *
 * The IMU is the one with the devicetree alias tfkd-imu, or else accel0. Zephyr gives m/s^2 and rad/s; tfkd_imu turns
 * them into the contract's units. A student trained on whole trials is told by the button (alias sw0) when one is on.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include <zephyr/device.h>
#include <zephyr/devicetree.h>
#include <zephyr/drivers/gpio.h>
#include <zephyr/drivers/sensor.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include "tfkd_board.h"
#include "tfkd_imu.h"

#if DT_NODE_EXISTS(DT_ALIAS(tfkd_imu))
#define IMU_NODE DT_ALIAS(tfkd_imu)
#elif DT_NODE_EXISTS(DT_ALIAS(accel0))
#define IMU_NODE DT_ALIAS(accel0)
#else
#error "No devicetree alias tfkd-imu or accel0: name the board's IMU in boards/<board>.overlay, see README.md."
#endif

#if !TFKD_WINDOWING_STREAM
#if !DT_NODE_EXISTS(DT_ALIAS(sw0))
#error "This student was trained on whole trials: it needs a button, with the devicetree alias sw0, to mark them."
#endif
static const struct gpio_dt_spec button = GPIO_DT_SPEC_GET(DT_ALIAS(sw0), gpios);
#endif

/* How often the sensor is read. Trials are resampled, so any rate near that of the training data will do. */
#if TFKD_WINDOWING_STREAM
#define SAMPLE_PERIOD_US (1000000000 / TFKD_SAMPLE_RATE_MILLIHERTZ)
#else
#define SAMPLE_PERIOD_US 20000
#endif

/* Where the x, y and z of the sensor that the student learned from lie on this board: 1, 2, 3 for the board's x, y, z,
 * negative for the opposite direction. */
static const int8_t axes[3] = {1, 2, 3};

static const struct device *const sensor = DEVICE_DT_GET(IMU_NODE);
K_TIMER_DEFINE(timer, NULL, NULL);
static tfkd_board board;
static tfkd_imu imu;

/* The event sink. */
static void show(void *context, const tfkd_event *event) {
  (void)context;
  printk("tfkd: %u ms %s", (unsigned int)(event->time_us / 1000U), tfkd_event_name(event->kind));
  if (event->label >= 0) {
    printk(" %s %u %%\n", tfkd_labels[event->label], (unsigned int)(event->confidence * 100U / TFKD_ONE));
  } else {
    printk(" %u\n", (unsigned int)event->value);
  }
}

/* Microseconds since start, wrapping at 2^32. */
static uint32_t now_us(void) { return (uint32_t)k_ticks_to_us_floor64((uint64_t)k_uptime_ticks()); }

static float value_of(const struct sensor_value *value) { return (float)value->val1 + (float)value->val2 * 1e-6f; }

static void read_axes(enum sensor_channel channel, float axes_of[3]) {
  struct sensor_value values[3];
  const bool good = sensor_channel_get(sensor, channel, values) == 0;
  /* What could not be read is not a number, which the student's firmware reports. */
  for (int i = 0; i < 3; ++i) axes_of[i] = good ? value_of(&values[i]) : NAN;
}

/* The first rate that the driver agrees to, from twice up to four times that at which the sensor is read: some drivers
 * round up to the next one that the sensor has, some want it exactly. */
static void set_rate(enum sensor_channel channel) {
  const int slowest = 2000000 / SAMPLE_PERIOD_US;
  int error = 0;
  for (int hertz = slowest; hertz <= 2 * slowest; ++hertz) {
    const struct sensor_value rate = {.val1 = hertz, .val2 = 0};
    error = sensor_attr_set(sensor, channel, SENSOR_ATTR_SAMPLING_FREQUENCY, &rate);
    if (error == 0 || error == -ENOSYS || error == -ENOTSUP) break;
  }
  if (error != 0) printk("tfkd: the IMU keeps the rate of its driver's configuration (%d)\n", error);
}

/* The first of `choices`, ended by 0, that the driver takes as its range, in SI units; 0 if it takes none and keeps
 * that of its configuration. Too small a range cuts off strong movements: UTD-MHAD's go to 8 g and 1000 deg/s. */
static float set_range(enum sensor_channel channel, const int32_t *choices,
                       void (*to_si)(int32_t choice, struct sensor_value *value)) {
  struct sensor_value range;
  for (; *choices != 0; ++choices) {
    to_si(*choices, &range);
    /* A step less than the range: the largest value that a sensor gives is just below. */
    if (sensor_attr_set(sensor, channel, SENSOR_ATTR_FULL_SCALE, &range) == 0) return 0.999f * value_of(&range);
  }
  printk("tfkd: the IMU keeps the range of its driver's configuration\n");
  return 0.0f;
}

static bool contract_rotates(void) {
  for (int channel = 0; channel < TFKD_CHANNELS; ++channel) {
    if (imu.source[channel] >= 3) return true;
  }
  return false;
}

static bool pressed(void) {
#if TFKD_WINDOWING_STREAM
  return false;
#else
  return gpio_pin_get_dt(&button) == 1;
#endif
}

static int begin(void) {
  static const int32_t g[] = {8, 16, 4, 0}, degrees[] = {1000, 2000, 500, 0};
  tfkd_settings settings = tfkd_default_settings();
  float acceleration_range, rotation_range = 0.0f;
  const tfkd_sink sink = {show, NULL};
  const char *const wrong = tfkd_imu_init(&imu, TFKD_METRES_PER_SECOND2, TFKD_RADIANS_PER_SECOND, axes);
  if (wrong != NULL) {
    printk("tfkd: %s\n", wrong);
    return -EINVAL;
  }
  if (!device_is_ready(sensor)) {
    printk("tfkd: the IMU %s is not ready\n", sensor->name);
    return -ENODEV;
  }
#if !TFKD_WINDOWING_STREAM
  if (!gpio_is_ready_dt(&button) || gpio_pin_configure_dt(&button, GPIO_INPUT) != 0) {
    printk("tfkd: the button is not ready\n");
    return -ENODEV;
  }
#endif
  set_rate(SENSOR_CHAN_ACCEL_XYZ);
  acceleration_range = set_range(SENSOR_CHAN_ACCEL_XYZ, g, sensor_g_to_ms2);
  if (contract_rotates()) {
    set_rate(SENSOR_CHAN_GYRO_XYZ);
    rotation_range = set_range(SENSOR_CHAN_GYRO_XYZ, degrees, sensor_degrees_to_rad);
  }
  tfkd_imu_range(&imu, acceleration_range, rotation_range, settings.range);
  if (tfkd_board_init(&board, &settings, sink) != TFKD_OK) {
    printk("tfkd: the student does not start\n");
    return -ENOMEM;
  }
  printk("tfkd: %s, %s\n", tfkd_student_engine(),
         TFKD_WINDOWING_STREAM ? "sliding windows" : "whole trials: hold the button while you move");
  return 0;
}

int main(void) {
  float acceleration[3], rotation[3] = {0.0f, 0.0f, 0.0f}, sample[TFKD_CHANNELS];
  const int error = begin();
  if (error != 0) return error;
  const bool rotates = contract_rotates();
  k_timer_start(&timer, K_USEC(SAMPLE_PERIOD_US), K_USEC(SAMPLE_PERIOD_US));
  for (;;) {
    k_timer_status_sync(&timer);
    if (sensor_sample_fetch(sensor) != 0) {
      tfkd_board_wait(&board, now_us(), pressed());
      continue;
    }
    const uint32_t time_us = now_us();
    read_axes(SENSOR_CHAN_ACCEL_XYZ, acceleration);
    if (rotates) read_axes(SENSOR_CHAN_GYRO_XYZ, rotation);
    tfkd_imu_convert(&imu, acceleration, rotation, sample);
    tfkd_board_take(&board, time_us, sample, pressed());
  }
}
