# The student on TensorFlow Lite Micro, from a checkout in which its own make has built the library:
#
#   make -f tensorflow/lite/micro/tools/make/Makefile microlite                       (this machine)
#   make -f tensorflow/lite/micro/tools/make/Makefile microlite TARGET=cortex_m_generic \
#       TARGET_ARCH=cortex-m4+fp OPTIMIZED_KERNEL_DIR=cmsis_nn BUILD_TYPE=release \
#       OPTIMIZE_KERNELS_FOR=KERNELS_OPTIMIZED_FOR_SIZE
#
# Our figures are those of the last setting. Without it, code is some 110 bytes larger, and dense layers keep sums of
# their weights in the arena, which saves a Cortex-M55 the time to add them up each time (0.3 % of utd-imu's).
#
# TFLM_DIR names the checkout, TFLM_LIBRARY the library in its gen/ folder.
enable_language(CXX)

if(NOT TFLM_LIBRARY AND NOT CMAKE_CROSSCOMPILING)
  set(TFLM_LIBRARY ${TFLM_DIR}/gen/linux_x86_64_default_gcc/lib/libtensorflow-microlite.a)
endif()
if(NOT EXISTS "${TFLM_LIBRARY}")
  message(FATAL_ERROR "TFLM_LIBRARY is '${TFLM_LIBRARY}', which does not exist. Build it in ${TFLM_DIR} for the same "
    "core, as cmake/tflm.cmake tells, and name it with -DTFLM_LIBRARY=<...>/libtensorflow-microlite.a.")
endif()

# What the library was built with must be said again where its headers are included. Its make puts that into
# the name of the folder: gen/cortex_m_generic_cortex-m4+fp_release_cmsis_nn_gcc.
set(said "")
if(TFLM_LIBRARY MATCHES "_cmsis_nn_")
  list(APPEND said CMSIS_NN)
elseif(CMAKE_CROSSCOMPILING)
  list(APPEND said TFKD_REFERENCE_KERNELS)
endif()
if(TFLM_LIBRARY MATCHES "_release(_cmsis_nn)?_gcc")
  list(APPEND said NDEBUG TF_LITE_STRIP_ERROR_STRINGS)
endif()
set(TFLM_DEFINITIONS "${said}" CACHE STRING "What TFLM_LIBRARY was compiled with, e.g. CMSIS_NN.")

# For every file that includes student.h, also those in C.
target_compile_definitions(tfkd_settings INTERFACE TFKD_ENGINE_TFLM)

set(downloads ${TFLM_DIR}/tensorflow/lite/micro/tools/make/downloads)
add_library(tfkd_student STATIC src/student_tflm.cc src/decode_pruned.cc ${TFKD_GENERATED}/student_model.c)
target_include_directories(tfkd_student SYSTEM PRIVATE ${TFLM_DIR} ${downloads}/flatbuffers/include
  ${downloads}/gemmlowp ${downloads}/ruy)
target_compile_definitions(tfkd_student PRIVATE TF_LITE_STATIC_MEMORY ${TFLM_DEFINITIONS})
target_compile_options(tfkd_student PRIVATE
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions;-fno-rtti;-fno-threadsafe-statics>)
if(TFKD_SANITIZE)
  target_compile_options(tfkd_student PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize=vptr>)
endif()
target_link_libraries(tfkd_student PUBLIC tfkd_settings ${TFLM_LIBRARY} m)
