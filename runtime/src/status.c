/* status.c: names of statuses, and the thread's error text. */
#include <stdarg.h>
#include <stdio.h>

#include "internal.h"

/* Long enough for a kernel name, an argument and two numbers; longer texts are cut. */
enum { ERROR_TEXT_BYTES = 512 };

static _Thread_local char error_text[ERROR_TEXT_BYTES];

convc_status convc_impl_fail(convc_status status, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(error_text, sizeof error_text, format, arguments);
  va_end(arguments);
  return status;
}

const char* convc_last_error(void) {
  return error_text;
}

const char* convc_status_name(convc_status status) {
  switch (status) {
    case CONVC_OK:
      return "CONVC_OK";
    case CONVC_NULL_POINTER:
      return "CONVC_NULL_POINTER";
    case CONVC_MISALIGNED:
      return "CONVC_MISALIGNED";
    case CONVC_OVERLAP:
      return "CONVC_OVERLAP";
    case CONVC_TOO_SMALL:
      return "CONVC_TOO_SMALL";
    case CONVC_WRONG_PACKED:
      return "CONVC_WRONG_PACKED";
    case CONVC_UNSUPPORTED_CPU:
      return "CONVC_UNSUPPORTED_CPU";
    case CONVC_INVALID_OPTIONS:
      return "CONVC_INVALID_OPTIONS";
    case CONVC_ABI_MISMATCH:
      return "CONVC_ABI_MISMATCH";
    case CONVC_INTERNAL:
      return "CONVC_INTERNAL";
    case CONVC_WRONG_SIZE:
      return "CONVC_WRONG_SIZE";
  }
  return "unknown convc_status";
}

const char* convc_version(void) {
  return CONVC_VERSION;
}

uint32_t convc_abi_version(void) {
  return CONVC_ABI_VERSION;
}
