// Short ways to load a text in tests.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <vector>

#include "dsl/load.h"

namespace convc::test {

struct Loaded {
  std::optional<Module> module;
  std::string text;  ///< the diagnostics, without colours
  std::vector<Code> codes;
};

inline Loaded load(const std::string& spec, const std::string& filename = "test.conv") {
  Diagnostics diagnostics;
  Loaded loaded;
  loaded.module = load_spec_text(spec, filename, "", diagnostics);
  loaded.text = diagnostics.render(false);
  loaded.codes = diagnostics.codes();
  CHECK(loaded.module.has_value() == !diagnostics.has_errors());
  return loaded;
}

/// The module of a text without errors and warnings.
inline Module load_valid(const std::string& spec) {
  Loaded loaded = load(spec);
  INFO(loaded.text);
  REQUIRE(loaded.module.has_value());
  CHECK(loaded.text.empty());
  return std::move(*loaded.module);
}

/// The layer of a text that holds one.
inline LayerSpec load_layer(const std::string& spec) {
  const Module module = load_valid(spec);
  REQUIRE(module.graphs.size() == 1);
  REQUIRE(module.graphs[0].nodes.size() == 1);
  return module.graphs[0].nodes[0].layer;
}

inline bool has(const Loaded& loaded, Code code) {
  return std::find(loaded.codes.begin(), loaded.codes.end(), code) != loaded.codes.end();
}

}  // namespace convc::test
