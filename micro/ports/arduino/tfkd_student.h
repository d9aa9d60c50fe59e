/* All of a tfkd student for a sketch: samples in, activities out. */
#ifndef TFKD_STUDENT_LIBRARY_H_
#define TFKD_STUDENT_LIBRARY_H_

#include "tfkd_board.h"
#include "tfkd_imu.h"

#endif /* TFKD_STUDENT_LIBRARY_H_ */
