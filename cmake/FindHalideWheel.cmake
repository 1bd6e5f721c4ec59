# Finds Halide 21 as its Python wheel lays it out (include/, lib64/). Halide's own package file wants
# CMake 3.28 and is not found under lib64/ on Debian; this one works with Debian 12's 3.25.
#
# Input:  CONVC_HALIDE_ROOT, the wheel's halide/ directory; by default that of build/venv, where
#         tools/setup installs it.
# Output: HalideWheel_FOUND, HalideWheel_VERSION, and the target Halide::Halide, a shared library
#         (our generators are plain classes in our own tool, so GenGen's main is not needed).
set(CONVC_HALIDE_ROOT "" CACHE PATH "The Halide wheel's halide/ directory")

set(_convc_halide_root "${CONVC_HALIDE_ROOT}")
if(NOT _convc_halide_root)
  file(GLOB _convc_halide_root
    "${CMAKE_CURRENT_LIST_DIR}/../build/venv/lib/python3*/site-packages/halide")
endif()

# The roots are the only hints, so that no other Halide (Debian ships 14) is picked up.
find_path(HalideWheel_INCLUDE_DIR Halide.h HINTS ${_convc_halide_root}
  PATH_SUFFIXES include NO_DEFAULT_PATH)
find_library(HalideWheel_LIBRARY Halide HINTS ${_convc_halide_root}
  PATH_SUFFIXES lib64 NO_DEFAULT_PATH)
mark_as_advanced(HalideWheel_INCLUDE_DIR HalideWheel_LIBRARY)

set(HalideWheel_VERSION "")
if(HalideWheel_INCLUDE_DIR)
  file(STRINGS "${HalideWheel_INCLUDE_DIR}/HalideRuntime.h" _convc_halide_lines
    REGEX "^#define HALIDE_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
  string(REGEX REPLACE "[^0-9;]" "" _convc_halide_numbers "${_convc_halide_lines}")
  list(JOIN _convc_halide_numbers "." HalideWheel_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(HalideWheel
  REQUIRED_VARS HalideWheel_LIBRARY HalideWheel_INCLUDE_DIR
  VERSION_VAR HalideWheel_VERSION
  REASON_FAILURE_MESSAGE "Run `make setup`, or pass -DCONVC_HALIDE_ROOT=<site-packages>/halide.")

if(HalideWheel_FOUND AND NOT TARGET Halide::Halide)
  add_library(Halide::Halide SHARED IMPORTED)
  set_target_properties(Halide::Halide PROPERTIES
    IMPORTED_LOCATION "${HalideWheel_LIBRARY}"
    IMPORTED_SONAME "libHalide.so"
    INTERFACE_INCLUDE_DIRECTORIES "${HalideWheel_INCLUDE_DIR}")
endif()
