// The graph of a spec in a test.
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "dsl/load.h"

namespace convc::test {

/// The only function of a valid spec.
inline Graph load_graph(const std::string& text) {
  Diagnostics diagnostics;
  const auto module = load_spec_text(text, "test.conv", "test", diagnostics);
  INFO(text << diagnostics.render(false));
  REQUIRE(module.has_value());
  REQUIRE(module->graphs.size() == 1);
  return module->graphs[0];
}

}  // namespace convc::test
