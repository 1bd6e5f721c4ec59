# Finds Halide 21 as its Python wheel lays it out (include/, lib64/). Halide's own package file wants
# CMake 3.28; this one works with Debian 12's 3.25.
#
# Input:  CONVC_HALIDE_ROOT, the wheel's halide/ directory.
# Output: target Halide::Halide (shared library; generators are plain C++ classes in our tool).
set(CONVC_HALIDE_ROOT "" CACHE PATH "The Halide wheel's halide/ directory")
if(NOT CONVC_HALIDE_ROOT)
  file(GLOB _convc_halide_roots "${CMAKE_SOURCE_DIR}/build/venv/lib/python3*/site-packages/halide")
  list(POP_FRONT _convc_halide_roots CONVC_HALIDE_ROOT)
endif()

find_path(HalideWheel_INCLUDE_DIR Halide.h HINTS "${CONVC_HALIDE_ROOT}/include" NO_DEFAULT_PATH)
find_library(HalideWheel_LIBRARY Halide HINTS "${CONVC_HALIDE_ROOT}/lib64" NO_DEFAULT_PATH)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(HalideWheel
  REQUIRED_VARS HalideWheel_LIBRARY HalideWheel_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Run `make setup`, or pass -DCONVC_HALIDE_ROOT=<site-packages>/halide.")

if(HalideWheel_FOUND AND NOT TARGET Halide::Halide)
  add_library(Halide::Halide SHARED IMPORTED)
  set_target_properties(Halide::Halide PROPERTIES
    IMPORTED_LOCATION "${HalideWheel_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${HalideWheel_INCLUDE_DIR}")
endif()
