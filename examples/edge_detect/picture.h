/* picture.h: grey pictures in memory and as PNG files. */
#ifndef PICTURE_H
#define PICTURE_H

#include <stddef.h>

/* Row-major, one channel; 0 is black and 1 is white. */
struct picture {
  size_t height, width;
  float* pixels;
};

/* Reads any PNG as grey. Returns 0, or -1 after printing why; free() picture->pixels. */
int read_picture(const char* path, struct picture* picture);

/* Writes DIRECTORY/NAME as 8-bit grey; values outside [0, 1] are clamped. Returns 0 or -1. */
int write_picture(const char* directory, const char* name, const struct picture* picture);

#endif
