#define KERNEL tfkd_depthwise_time_int4
#define WEIGHT_BITS 4
#include "tfkd_over_time.h"
