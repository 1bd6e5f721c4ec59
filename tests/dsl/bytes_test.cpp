// Files that are not plain text, are huge, or are nested without end.
#include <catch2/catch.hpp>
#include <ctime>
#include <string>

#include "dsl/parser.h"
#include "tests/dsl/load_helpers.h"

namespace convc::test {
namespace {

const std::string kLayer = "Conv2D(1, 1, input_shape=(4, 4, 1), name=\"a\")";

TEST_CASE("CRLF, a byte order mark, and no newline at the end") {
  const LayerSpec plain = load_layer(kLayer + "\n");
  CHECK(load_layer(kLayer) == plain);
  CHECK(load_layer(kLayer + "\r\n") == plain);
  CHECK(load_layer("# comment\r\n\r\n" + kLayer + "  # here\r\n") == plain);
  CHECK(load_layer("\xEF\xBB\xBF" + kLayer) == plain);
  CHECK(load_layer("Conv2D(1,\r\n\t1,\r\n input_shape=(4, 4, 1),\r\nname='a')") == plain);
}

TEST_CASE("columns count characters, carets stand under them", "[diagnostics]") {
  CHECK(load("# é\nConv2D(1, 1, name=\"日本\", filtrs=3)\r\n").text ==
        "test.conv:2:19: error: the name \"日本\" is not a C identifier [E061]\n"
        "    2 | Conv2D(1, 1, name=\"日本\", filtrs=3)\n"
        "      |                   ^^^^^^\n"
        "      = note: letters, digits and _, not beginning with a digit\n"
        "      = help: use name=\"__\"\n"
        "test.conv:2:25: error: unknown argument `filtrs` of Conv2D [E021]\n"
        "    2 | Conv2D(1, 1, name=\"日本\", filtrs=3)\n"
        "      |                           ^^^^^^\n"
        "      = help: did you mean `filters`?\n");
}

TEST_CASE("tabs are shown as spaces and counted as one column", "[diagnostics]") {
  CHECK(load("Conv2D(1,\t1,\tfiltrs=1)").text ==
        "test.conv:1:14: error: unknown argument `filtrs` of Conv2D [E021]\n"
        "    1 | Conv2D(1,   1,  filtrs=1)\n"
        "      |                 ^^^^^^\n"
        "      = help: did you mean `filters`?\n");
}

TEST_CASE("bytes that are not UTF-8", "[diagnostics]") {
  CHECK(load("# fine\nConv2D(1, \xFF"
             "1)")
            .text ==
        "test.conv:2:11: error: this byte is not UTF-8 [E003]\n"
        "    2 | Conv2D(1, <FF>1)\n"
        "      |           ^^^^\n"
        "      = help: save the file as UTF-8\n");
  CHECK(has(load("# caf\xE9\n" + kLayer), Code::not_utf8));  // Latin-1
  CHECK(has(load("\xFF\xFE"
                 "C\0o\0"),
            Code::not_utf8));                                     // UTF-16
  CHECK(has(load("'\xC0\x80'\n" + kLayer), Code::not_utf8));      // an overlong form
  CHECK(has(load("'\xED\xA0\x80'\n" + kLayer), Code::not_utf8));  // a surrogate
  CHECK(has(load("'\xE2\x82"), Code::not_utf8));                  // cut short
}

TEST_CASE("zero bytes", "[diagnostics]") {
  CHECK(load(std::string("a\0b", 3)).text ==
        "test.conv:1:2: error: this file holds a zero byte, so it is not text [E003]\n"
        "    1 | a<00>b\n"
        "      |  ^^^^\n"
        "      = help: is this the file you meant?\n");
}

TEST_CASE("10,000 nested brackets") {
  for (const char* open : {"[", "(", "f(", "Conv2D("}) {
    std::string text;
    for (int i = 0; i < 10000; ++i) text += open;
    const Loaded loaded = load(text);
    CHECK(loaded.codes == std::vector<Code>{Code::too_deep});
  }
  CHECK(has(load("x = f" + std::string(10000, '(') + std::string(10000, ')')), Code::too_deep));
  std::string calls = "f";
  for (int i = 0; i < 10000; ++i) calls += "()";
  CHECK(has(load(calls), Code::too_deep));
}

TEST_CASE("nesting through names is limited too") {
  std::string text = "a = [1]\n";
  for (int i = 0; i < 10000; ++i) text += "a = [a]\n";
  CHECK(has(load(text + kLayer), Code::too_deep));
}

TEST_CASE("names that repeat lists do not fill the memory") {
  std::string text = "a = [1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (int i = 0; i < 3; ++i) text += "a = [a, a, a, a, a, a, a, a]\n";
  text += "b = [";
  for (int i = 0; i < 3000; ++i) text += "[1], ";
  CHECK(has(load("r = [" + std::string(60000, ' ') + "]\n" + text + "]\n" + kLayer),
            Code::unused_value));
  // 6000 rows of 6000 numbers: 36 million from 30 kB of text.
  std::string row = "r = [";
  for (int i = 0; i < 6000; ++i) row += "1,";
  std::string bank = "]\nConv2D(1, kernel=[";
  for (int i = 0; i < 6000; ++i) bank += "r,";
  CHECK(has(load(row + bank + "], use_bias=False, input_shape=(6000, 6000, 1))"), Code::too_deep));
}

// Loads `bytes` of a text repeated; the time is the processor's, so that a busy machine does not
// fail.
void check_repeated(const std::string& piece, std::size_t bytes, double seconds) {
  std::string text;
  text.reserve(bytes + piece.size());
  while (text.size() < bytes) text += piece;
  const std::clock_t start = std::clock();
  const Loaded loaded = load(text);
  const double took = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  INFO("repeated: " << piece);
  CHECK_FALSE(loaded.module.has_value());
  CHECK(loaded.text.size() < 100'000);
  CHECK(took < seconds);
}

// What takes time beyond proportion (2 MB squared: hours) shows at 2 MB already. Bounds leave room
// for sanitizers, under which each piece takes about a second, and for a loaded machine.
TEST_CASE("megabytes of anything are read or refused in time") {
  for (const char* piece :
       {"# comment\n", "[", "1,", "(1,2),", "Conv2D(1, 2)\n", "\x01", "a = 1\n", "'''", "x",
        "[[1]],", "\n", "\"\\", "Conv2D(", "-", "= ", "x = [1,", "\\\n", "f(a=", "\xFF"}) {
    check_repeated(piece, 2'000'000, 100);
  }
}

TEST_CASE("a 50 MB file", "[large]") {
  check_repeated("Conv2D(1, 2)\n", 50'000'000, 1000);
  check_repeated("0.5, -1,", 50'000'000, 1000);
  check_repeated("[[0.5, 1],\n", 50'000'000, 1000);
}

TEST_CASE("a list of 17 million numbers in 50 MB", "[large]") {
  std::string text = "x = [";
  while (text.size() < 50'000'000) text += "1,\n";
  const Loaded loaded = load(text + "]\n" + kLayer);
  CHECK(loaded.module.has_value());
  CHECK(loaded.codes == std::vector<Code>{Code::unused_value});
}

TEST_CASE("a file beyond the limit is refused", "[diagnostics]") {
  CHECK(load(std::string(kMaxFileBytes + 1, '#')).text ==
        "test.conv: error: this file is larger than 64 MiB [E002]\n"
        "      = help: give large filters at run time, not as literals\n");
}

TEST_CASE("a large bank of filters is read") {
  std::string text = "Conv2D(64, kernel=[";
  for (int y = 0; y < 7; ++y) {
    text += "[";
    for (int x = 0; x < 7; ++x) {
      text += "[";
      for (int c = 0; c < 32; ++c) {
        text += "[";
        for (int k = 0; k < 64; ++k) text += std::to_string(k - c) + ".5,";
        text += "],";
      }
      text += "],";
    }
    text += "],";
  }
  const LayerSpec layer = load_layer(text + "], use_bias=False, input_shape=(9, 9, 32))");
  REQUIRE(layer.kernel != nullptr);
  CHECK(layer.kernel->shape == std::vector<std::int64_t>{7, 7, 32, 64});
  CHECK(layer.kernel->values.size() == 7 * 7 * 32 * 64);
  CHECK(layer.kernel->values[64 + 1] == 0.5F);  // c = 1, k = 1
  CHECK(layer.kernel_size == Size{7, 7});
}

}  // namespace
}  // namespace convc::test
