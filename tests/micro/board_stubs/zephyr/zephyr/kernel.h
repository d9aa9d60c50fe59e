/* Stand-in for the part of Zephyr that src/main.c uses: one header, which the others of the real tree name. */
#ifndef ZEPHYR_STAND_IN_H_
#define ZEPHYR_STAND_IN_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Devicetree: the tests say which aliases there are. */
#ifdef HAS_tfkd_imu
#define EXISTS_tfkd_imu 1
#else
#define EXISTS_tfkd_imu 0
#endif
#ifdef HAS_accel0
#define EXISTS_accel0 1
#else
#define EXISTS_accel0 0
#endif
#ifdef HAS_sw0
#define EXISTS_sw0 1
#else
#define EXISTS_sw0 0
#endif
#define DT_ALIAS(alias) alias
#define DT_NODE_EXISTS(node) EXISTS_(node)
#define EXISTS_(node) EXISTS_##node
#define DEVICE_DT_GET(node) GET_(node)
#define GET_(node) (&device_##node)

struct device {
  const char *name;
};
extern const struct device device_tfkd_imu, device_accel0;
bool device_is_ready(const struct device *dev);

/* Sensors. */
struct sensor_value {
  int32_t val1;
  int32_t val2;
};
enum sensor_channel { SENSOR_CHAN_ACCEL_XYZ = 3, SENSOR_CHAN_GYRO_XYZ = 7 };
enum sensor_attribute { SENSOR_ATTR_SAMPLING_FREQUENCY = 0, SENSOR_ATTR_FULL_SCALE = 7 };
int sensor_attr_set(const struct device *dev, enum sensor_channel chan, enum sensor_attribute attr,
                    const struct sensor_value *val);
void sensor_g_to_ms2(int32_t g, struct sensor_value *ms2);
void sensor_degrees_to_rad(int32_t d, struct sensor_value *rad);
int sensor_sample_fetch(const struct device *dev);
int sensor_channel_get(const struct device *dev, enum sensor_channel chan, struct sensor_value *val);

/* GPIO. */
typedef uint32_t gpio_flags_t;
#define GPIO_INPUT (1U << 16)
struct gpio_dt_spec {
  int pin;
};
#define GPIO_DT_SPEC_GET(node, property) {.pin = 1}
bool gpio_is_ready_dt(const struct gpio_dt_spec *spec);
int gpio_pin_configure_dt(const struct gpio_dt_spec *spec, gpio_flags_t flags);
int gpio_pin_get_dt(const struct gpio_dt_spec *spec);

/* Time: a tick is a microsecond. */
typedef struct k_timeout {
  int64_t ticks;
} k_timeout_t;
#define K_USEC(t) ((k_timeout_t){(t)})
struct k_timer {
  int64_t period;
};
#define K_TIMER_DEFINE(name, expired, stopped) struct k_timer name = {0}
void k_timer_start(struct k_timer *timer, k_timeout_t duration, k_timeout_t period);
uint32_t k_timer_status_sync(struct k_timer *timer);
int64_t k_uptime_ticks(void);
uint64_t k_ticks_to_us_floor64(uint64_t ticks);

void printk(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* ZEPHYR_STAND_IN_H_ */
