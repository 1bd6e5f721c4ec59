// Joins the pool's threads when all tests are done: ThreadSanitizer would report them as leaked.
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <catch2/catch.hpp>

#include "convc/convc.h"

namespace {

struct ShutdownListener : Catch::TestEventListenerBase {
  using TestEventListenerBase::TestEventListenerBase;
  void testRunEnded(const Catch::TestRunStats&) override { convc_shutdown(); }
};

CATCH_REGISTER_LISTENER(ShutdownListener)

}  // namespace
