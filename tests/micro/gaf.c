/* Images of windows: a ring and a start in from standard input, TFKD_INPUT_SIZE values out, until the input ends. */
#include <stdio.h>

#include "tfkd_gaf.h"

int main(void) {
  static struct {
    uint32_t start;
    float ring[TFKD_WINDOW * TFKD_CHANNELS];
  } next;
  static int8_t image[TFKD_INPUT_SIZE];
  while (fread(&next, sizeof next, 1, stdin) == 1) {
    tfkd_gaf(next.ring, TFKD_WINDOW, next.start, image);
    fwrite(image, sizeof image, 1, stdout);
  }
  return 0;
}
