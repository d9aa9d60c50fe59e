#define KERNEL tfkd_depthwise_time
#define WEIGHT_BITS 8
#include "tfkd_over_time.h"
