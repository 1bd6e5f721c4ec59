// Catch2's main, which then joins the pool's threads.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include "convc/convc.h"

int main(int argc, char** argv) {
  const int result = Catch::Session().run(argc, argv);
  convc_shutdown();  // else ThreadSanitizer reports the pool's threads as leaked
  return result;
}
