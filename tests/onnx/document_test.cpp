// docs/onnx.md: its table of operators, and the newest opset, are those of the code.
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "dsl/onnx/ops.h"
#include "dsl/text.h"
#include "tests/onnx/model.h"

namespace convc::test {
namespace {

// "`Conv` | 1": the first two columns of the rows that begin with a name of an operator.
std::vector<std::string> documented_rows() {
  std::ifstream file(CONVC_REPOSITORY "/docs/onnx.md");
  REQUIRE(file);
  std::vector<std::string> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("| `", 0) != 0 || line.rfind("| `--", 0) == 0) continue;
    const std::size_t second = line.find(" | ", line.find(" | ") + 1);
    rows.push_back(line.substr(2, second - 2));
  }
  return rows;
}

}  // namespace

TEST_CASE("the document's table of operators is the code's") {
  std::vector<std::string> rows;
  for (const onnx_import::Operator& entry : onnx_import::all_operators()) {
    rows.push_back(cat("`", entry.name, "` | ", entry.first_opset));
  }
  CHECK(documented_rows() == rows);
}

TEST_CASE("the document says the newest opset") {
  std::ifstream file(CONVC_REPOSITORY "/docs/onnx.md");
  std::stringstream text;
  text << file.rdbuf();
  CHECK(text.str().find(cat("up to ", onnx_import::kNewestOpset, " give them")) !=
        std::string::npos);
}

}  // namespace convc::test
