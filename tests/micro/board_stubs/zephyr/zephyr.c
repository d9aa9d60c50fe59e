/* The stand-ins' bodies: time, button and sensor follow the table of samples, printk is standard output. */
#include <zephyr/kernel.h>

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "samples.h"

const struct device device_tfkd_imu = {"imu"}, device_accel0 = {"accel"};

static bool rate_set[8];

bool device_is_ready(const struct device *dev) { return dev != NULL; }

static void millionths(int64_t count, struct sensor_value *value) {
  value->val1 = (int32_t)(count / 1000000);
  value->val2 = (int32_t)(count % 1000000);
}

void sensor_g_to_ms2(int32_t g, struct sensor_value *ms2) { millionths(g * INT64_C(9806650), ms2); }
void sensor_degrees_to_rad(int32_t d, struct sensor_value *rad) { millionths(d * INT64_C(3141592) / 180, rad); }

/* Agrees to 104 Hz alone, and to ranges of 8 g (78.4532 m/s^2) and 2000 deg/s (34.906577 rad/s). */
int sensor_attr_set(const struct device *dev, enum sensor_channel chan, enum sensor_attribute attr,
                    const struct sensor_value *val) {
  if (dev == NULL) return -ENODEV;
  if (attr == SENSOR_ATTR_FULL_SCALE) return val->val1 == (chan == SENSOR_CHAN_GYRO_XYZ ? 34 : 78) ? 0 : -EINVAL;
  if (val->val1 != 104) return -EINVAL;
  rate_set[chan] = true;
  return 0;
}

int sensor_sample_fetch(const struct device *dev) {
  if (dev == NULL) return -ENODEV;
  return sample_rows[sample_at].readable ? 0 : -EIO;
}

int sensor_channel_get(const struct device *dev, enum sensor_channel chan, struct sensor_value *val) {
  const float *values = sample_rows[sample_at].values + (chan == SENSOR_CHAN_GYRO_XYZ ? 3 : 0);
  if (dev == NULL || !rate_set[chan]) return -ENODATA;
  for (int i = 0; i < 3; ++i) {
    millionths(llround((double)values[i] * 1e6), &val[i]);
  }
  return 0;
}

bool gpio_is_ready_dt(const struct gpio_dt_spec *spec) { return spec->pin == 1; }
int gpio_pin_configure_dt(const struct gpio_dt_spec *spec, gpio_flags_t flags) {
  return spec->pin == 1 && flags == GPIO_INPUT ? 0 : -EINVAL;
}
int gpio_pin_get_dt(const struct gpio_dt_spec *spec) { return spec->pin == 1 && sample_rows[sample_at].pressed; }

void k_timer_start(struct k_timer *timer, k_timeout_t duration, k_timeout_t period) {
  if (duration.ticks == period.ticks) timer->period = period.ticks;
}
uint32_t k_timer_status_sync(struct k_timer *timer) {
  if (timer->period <= 0) abort();
  next_sample();
  return 1;
}
int64_t k_uptime_ticks(void) { return sample_rows[sample_at].time_us; }
uint64_t k_ticks_to_us_floor64(uint64_t ticks) { return ticks; }

void printk(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
}
