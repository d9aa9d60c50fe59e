/* The kernels that a generated student calls. int8 in, int8 out, the same bytes as TensorFlow Lite Micro.
 *
 * Tensors lie plane by plane: all positions of channel 0 (row by row), then all of channel 1, ...; only the
 * model's input, and what is joined with it or cut out of it, comes position by position. All pointers to tensors are into the one buffer of the student.
 */
#ifndef TFKD_KERNELS_H_
#define TFKD_KERNELS_H_

#include <stdint.h>

/* Whether the kernels use the vector instructions of Cortex-M55: generated code then prefers others of them. */
#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#define TFKD_VECTORS 1
#else
#define TFKD_VECTORS 0
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* From 32-bit sums to int8, by channel. */
typedef struct tfkd_scaling {
  const int32_t *bias;        /* minus the input's zero point times the sum of the weights */
  const uint32_t *multiplier; /* twice the fixed-point multiplier: at least 2^31 */
  const int8_t *shift;        /* to the left if positive, as TensorFlow Lite counts it; at least -31 */
  int8_t zero_point;          /* of the output */
  int8_t low, high;           /* range left by the activation function */
  int8_t fast;                /* 1 if all shifts are -2 or less and the range is that of int8 */
} tfkd_scaling;

/* How a convolution moves over its input. `steps` are distances in memory. */
typedef struct tfkd_window {
  uint16_t in_height, in_width, in_channels;
  uint16_t out_height, out_width;
  uint16_t kernel_height, kernel_width;
  uint16_t stride_height, stride_width;
  uint16_t dilation_height, dilation_width;
  uint16_t pad_top, pad_left;
  int16_t pad_value;
  int32_t row_step, column_step, channel_step;
  uint16_t inner; /* values in one packed window, at least kernel_height * kernel_width * in_channels */
} tfkd_window;

/* The positions that one call of `tfkd_multiply_...` computes. */
#define TFKD_POSITIONS 4

/* A convolution's weights as a matrix: one row for each output channel.
 *
 * Dense: `inner` weights a row, in fours as [w0 w2 w1 w3].
 * Dense, of four bits (..._int4): each eight in four bytes, the low halves of which hold the first four.
 * Sparse: pairs[row] times {step, weight, step, weight}. A step leads from the window value of the weight before, or
 * from the first, to the one of this weight, in bytes of packed windows (8 for each value) from 0 to 255. */
typedef struct tfkd_matrix {
  const int8_t *weights;
  const uint8_t *pairs; /* sparse only */
  uint16_t rows;
  uint16_t inner;    /* dense only: a multiple of 8 */
  uint32_t out_step; /* positions in one plane of the output */
  tfkd_scaling scaling;
} tfkd_matrix;

/* Lay out the windows of the output positions first .. first + 3; positions behind the last repeat the last.
 * `..._paired`, for `tfkd_multiply_dense`: value k of position p becomes columns[k / 2 * 8 + 2 * p + k % 2]; with
 * vector instructions they are bytes in the order of the weights, 16 of each position in turn.
 * `..._single`, for `tfkd_multiply_sparse`: it becomes columns[4 * k + q] with q = 0, 2, 1, 3 for p = 0, 1, 2, 3. */
void tfkd_pack_general_paired(const tfkd_window *window, const int8_t *in, int first, int16_t *columns);
void tfkd_pack_general_single(const tfkd_window *window, const int8_t *in, int first, int16_t *columns);
/* The same where the kernel is 1 x 1, stride 1, no padding, input plane by plane. */
void tfkd_pack_pointwise_paired(const tfkd_window *window, const int8_t *in, int first, int16_t *columns);
void tfkd_pack_pointwise_single(const tfkd_window *window, const int8_t *in, int first, int16_t *columns);
/* The same where each window is one piece of memory: input position by position, kernel and image one wide. */
void tfkd_pack_pieces_paired(const tfkd_window *window, const int8_t *in, int first, int16_t *columns);
void tfkd_pack_pieces_single(const tfkd_window *window, const int8_t *in, int first, int16_t *columns);

/* `count` outputs (at most 4), from packed windows, in each plane of `out`, which points at the first of them. */
void tfkd_multiply_dense(const tfkd_matrix *matrix, const int16_t *columns, int count, int8_t *out);
void tfkd_multiply_sparse(const tfkd_matrix *matrix, const int16_t *columns, int count, int8_t *out);
/* Of weights from -8 to 7. No sum may leave 20 bits. */
void tfkd_multiply_dense_int4(const tfkd_matrix *matrix, const int16_t *columns, int count, int8_t *out);

typedef struct tfkd_depthwise {
  tfkd_window window;    /* in_channels planes; `inner` weights a plane */
  const int8_t *weights; /* tfkd_depthwise_time: in fours as [w0 w2 w1 w3]; ..._int4: two a byte, the low half first; otherwise in order */
  uint16_t multiplier;   /* tfkd_depthwise_general: output planes for each input plane */
  uint16_t row;          /* tfkd_depthwise_time: values in a padded plane, a multiple of 4; ..._3x3: in its row, even */
  tfkd_scaling scaling;
} tfkd_depthwise;

/* Depthwise convolution over time: image and kernel one wide, dilation as zero weights, stride 1 or 2, `inner` a multiple of 4 and,
 * at stride 1, larger than the kernel. `out` may be `in`. `scratch` has room for `row` and 2 * inner values more. */
void tfkd_depthwise_time(const tfkd_depthwise *layer, const int8_t *in, int8_t *out, int16_t *scratch);
void tfkd_depthwise_time_int4(const tfkd_depthwise *layer, const int8_t *in, int8_t *out, int16_t *scratch);
/* Depthwise convolution of images: kernel 3 x 3, stride 1 or 2 both ways, no dilation. `out` may be `in` where it is no larger.
 * `scratch` has room for a plane with its border: rows of `row` values, each as long as if the output's width were a multiple
 * of four. */
void tfkd_depthwise_3x3(const tfkd_depthwise *layer, const int8_t *in, int8_t *out, int16_t *scratch);
/* Any other. Its biases are as in the model, without the input's zero point. */
void tfkd_depthwise_general(const tfkd_depthwise *layer, const int8_t *in, int8_t *out);

typedef struct tfkd_dense_layer {
  const int8_t *weights; /* `inner` for each of `rows` outputs */
  uint16_t rows, inner;
  tfkd_scaling scaling;
} tfkd_dense_layer;

void tfkd_dense(const tfkd_dense_layer *layer, const int8_t *in, int8_t *out);

typedef struct tfkd_addition {
  uint32_t size;
  int32_t multiplier_a, multiplier_b, multiplier_out; /* not doubled */
  int8_t shift_a, shift_b, shift_out;                 /* at most 0 */
  int8_t zero_a, zero_b, zero_out;
  int8_t low, high;
} tfkd_addition;

/* `out` may be either input. */
void tfkd_add(const tfkd_addition *layer, const int8_t *a, const int8_t *b, int8_t *out);

/* The same where the generator has found (a * factor_a + b * factor_b + offset) >> shift to give the same bytes. */
typedef struct tfkd_linear_addition {
  uint32_t size;
  int32_t factor_a, factor_b, offset;
  int8_t shift;
  int8_t low, high;
} tfkd_linear_addition;

void tfkd_add_linear(const tfkd_linear_addition *layer, const int8_t *a, const int8_t *b, int8_t *out);

typedef struct tfkd_mean_layer {
  uint16_t channels;
  uint32_t positions;
  int32_t multiplier; /* not doubled */
  int8_t shift;
  int8_t zero_in, zero_out;
} tfkd_mean_layer;

/* The mean of each plane. */
void tfkd_mean_positions(const tfkd_mean_layer *layer, const int8_t *in, int8_t *out);

typedef struct tfkd_pooling {
  tfkd_window window;
  int8_t low, high;
} tfkd_pooling;

void tfkd_average_pool(const tfkd_pooling *layer, const int8_t *in, int8_t *out);
void tfkd_max_pool(const tfkd_pooling *layer, const int8_t *in, int8_t *out);

/* Copies `blocks` blocks of `size` values to every `step`-th place of `out`: a part of a concatenation. */
void tfkd_copy_blocks(const int8_t *in, int8_t *out, uint32_t blocks, uint32_t size, uint32_t step);

/* Takes `size` values from every `step`-th place of `in`: a part of an axis. `out` may be where `in` begins or before. */
void tfkd_take_blocks(const int8_t *in, int8_t *out, uint32_t blocks, uint32_t size, uint32_t step);

/* Puts `size` new values behind the `kept` newest of the runs before, in each block: these are the last ones that `out`
 * holds of the run before, and go to the front. */
void tfkd_remember(const int8_t *in, int8_t *out, uint32_t blocks, uint32_t kept, uint32_t size);

/* Planes with a border. */
typedef struct tfkd_padding {
  uint16_t planes_before, planes, planes_after;
  uint16_t height, width;
  uint16_t top, bottom, left, right;
  int8_t value;
} tfkd_padding;

void tfkd_pad(const tfkd_padding *layer, const int8_t *in, int8_t *out);

/* A matrix of `rows` x `columns` values to `columns` x `rows`: from positions to planes and back. */
void tfkd_transpose(const int8_t *in, int8_t *out, uint32_t rows, uint32_t columns);

#ifdef __cplusplus
}
#endif

#endif /* TFKD_KERNELS_H_ */
