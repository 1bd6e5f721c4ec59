/* picture.c: see picture.h. The only file that knows libpng. */
#include "picture.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int read_picture(const char* path, struct picture* picture) {
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  unsigned char* bytes = NULL;
  picture->pixels = NULL;
  if (png_image_begin_read_from_file(&image, path)) {
    image.format = PNG_FORMAT_GRAY;
    bytes = malloc(PNG_IMAGE_SIZE(image));
    /* Transparent parts are shown on white. */
    const png_color white = {255, 255, 255};
    if (bytes != NULL && png_image_finish_read(&image, &white, bytes, 0, NULL)) {
      picture->height = image.height;
      picture->width = image.width;
      picture->pixels = malloc(sizeof(float) * image.height * image.width);
    }
  }
  if (picture->pixels == NULL) {
    fprintf(stderr, "%s: %s\n", path, image.message[0] != '\0' ? image.message : "out of memory");
    png_image_free(&image);
    free(bytes);
    return -1;
  }
  const size_t count = picture->height * picture->width;
  for (size_t i = 0; i < count; ++i) picture->pixels[i] = (float)bytes[i] / 255.0f;
  free(bytes);
  return 0;
}

int write_picture(const char* directory, const char* name, const struct picture* picture) {
  const size_t count = picture->height * picture->width;
  unsigned char* bytes = malloc(count);
  char path[4096];
  const int length = snprintf(path, sizeof path, "%s/%s", directory, name);
  if (bytes == NULL || length < 0 || (size_t)length >= sizeof path) {
    fprintf(stderr, "%s: out of memory, or the path is too long\n", name);
    free(bytes);
    return -1;
  }
  for (size_t i = 0; i < count; ++i) {
    const float value = picture->pixels[i];
    bytes[i] = (unsigned char)(value < 0 ? 0 : value > 1 ? 255 : 255.0f * value + 0.5f);
  }
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.height = (png_uint_32)picture->height;
  image.width = (png_uint_32)picture->width;
  image.format = PNG_FORMAT_GRAY;
  const int written = png_image_write_to_file(&image, path, 0, bytes, 0, NULL);
  free(bytes);
  if (!written) {
    fprintf(stderr, "%s: %s\n", path, image.message);
    return -1;
  }
  printf("wrote %s (%zux%zu)\n", path, picture->width, picture->height);
  return 0;
}
