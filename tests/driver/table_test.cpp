#include "generators/driver/table.h"

#include <catch2/catch.hpp>

using namespace convc;

TEST_CASE("a table aligns its columns and has no trailing spaces") {
  Table table({{"Layer", Align::left}, {"Param #", Align::right}, {"Note", Align::left}});
  table.add_row({"first", "320", "x"});
  table.add_row({"sécond layer", "18,496", ""});
  CHECK(table.to_text() ==
        "Layer         Param #  Note\n"
        "===========================\n"
        "first             320  x\n"
        "sécond layer   18,496\n"
        "===========================\n");
}

TEST_CASE("numbers for people") {
  CHECK(with_separators(0) == "0");
  CHECK(with_separators(999) == "999");
  CHECK(with_separators(1000) == "1,000");
  CHECK(with_separators(-1234567) == "-1,234,567");
  CHECK(with_separators(INT64_MIN) == "-9,223,372,036,854,775,808");
  CHECK(with_prefix(0) == "0");
  CHECK(with_prefix(115605504) == "116 M");
  CHECK(with_prefix(999499) == "999 k");
  CHECK(with_prefix(999999) == "1 M");
  CHECK(with_prefix(1e18) == "1 E");
  CHECK(bytes_text(12) == "12 B");
  CHECK(bytes_text(1280) == "1.25 KB");
  CHECK(bytes_text(std::int64_t{1} << 40) == "1.00 TB");
}
