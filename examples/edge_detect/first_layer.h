/* first_layer.h: 32 filters of 3x3, such as the first layer of a network learns. */
#ifndef FIRST_LAYER_H
#define FIRST_LAYER_H

enum { FIRST_LAYER_FILTERS = 32 };

/* kernel: [3][3][1][32], height, width, input channel, filter. bias: [32]. */
void make_first_layer(float* kernel, float* bias);

#endif
