"""Turns a picture of any format into a grey PNG, upright; prints its height and width.

  prepare_photo.py PICTURE OUTPUT.png
"""
import sys

import PIL.Image
import PIL.ImageOps

try:
    with PIL.Image.open(sys.argv[1]) as picture:
        # Cameras store a turn beside the pixels.
        grey = PIL.ImageOps.exif_transpose(picture).convert("RGB").convert("L")
except (OSError, PIL.Image.DecompressionBombError) as error:
    sys.exit(f"{sys.argv[1]}: {error}")
if min(grey.size) < 16:
    sys.exit(f"{sys.argv[1]}: {grey.width}x{grey.height} is too small to show anything")
grey.save(sys.argv[2])
print(grey.height, grey.width)
