/* Marks what count_plugin.c counts: the instructions between tfkd_count_begin() and tfkd_count_end(), and, as a
 * second pair that may lie around the first, between tfkd_outer_begin() and tfkd_outer_end(). */
#ifndef TFKD_COUNT_MARKERS_H_
#define TFKD_COUNT_MARKERS_H_

#ifdef __cplusplus
extern "C" {
#endif

void tfkd_count_begin(void);
void tfkd_count_end(void);
void tfkd_outer_begin(void);
void tfkd_outer_end(void);

#ifdef __cplusplus
}
#endif

#endif /* TFKD_COUNT_MARKERS_H_ */
