// Statements and values: what is accepted, and that errors do not hide each other.
#include "dsl/parser.h"

#include <catch2/catch.hpp>

#include "tests/dsl/load_helpers.h"

namespace convc::test {
namespace {

// The statements of a text, and how many errors it has.
struct Parsed {
  Diagnostics diagnostics;
  std::vector<Statement> statements;
};

Parsed parse(const std::string& text) {
  Parsed parsed;
  const std::uint32_t file = parsed.diagnostics.add_file(text, "test.conv");
  Parser parser(file, &parsed.diagnostics);
  while (std::optional<Statement> one = parser.next()) parsed.statements.push_back(std::move(*one));
  return parsed;
}

TEST_CASE("values") {
  const Parsed parsed = parse("x = [1, -2.5, +3, 'a', True, None, (), (1,), (1), y, f(1, b=2)(3)]");
  REQUIRE(parsed.statements.size() == 1);
  CHECK(parsed.diagnostics.empty());
  const Statement& statement = parsed.statements[0];
  CHECK(statement.target == "x");
  const std::vector<Expr>& items = statement.value.compound->items;
  REQUIRE(items.size() == 11);
  CHECK(items[0].integer == 1);
  CHECK(items[1].number == -2.5);
  CHECK(items[2].integer == 3);
  CHECK(items[3].text == "a");
  CHECK(items[4].kind == ExprKind::boolean);
  CHECK(items[5].kind == ExprKind::none);
  CHECK(items[6].kind == ExprKind::tuple);
  CHECK(items[6].size() == 0);
  CHECK(items[7].kind == ExprKind::tuple);
  CHECK(items[8].kind == ExprKind::integer);
  CHECK(items[9].kind == ExprKind::name);
  REQUIRE(items[10].kind == ExprKind::call);
  REQUIRE(items[10].compound->callee->kind == ExprKind::call);
  CHECK(items[10].compound->callee->compound->arguments[1].name == "b");
}

TEST_CASE("long lists are compact, whatever stands among their numbers") {
  const Parsed numbers = parse("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,-18]");
  REQUIRE(numbers.statements.size() == 1);
  CHECK(numbers.statements[0].value.compound->items.empty());
  CHECK(numbers.statements[0].value.size() == 18);
  CHECK(numbers.statements[0].value.compound->numbers.back() == -18);
  const Parsed mixed = parse("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,x,19]");
  REQUIRE(mixed.statements.size() == 1);
  CHECK(mixed.statements[0].value.compound->numbers.empty());
  CHECK(mixed.statements[0].value.size() == 19);
  CHECK(mixed.statements[0].value.compound->items[17].text == "x");
  CHECK(mixed.statements[0].value.compound->items[18].number == 19);
}

TEST_CASE("lines continue within brackets only") {
  CHECK(parse("f(1,\n\n  2 # c\n)\ng()").statements.size() == 2);
  CHECK(parse("f(a\n=\n1)").statements.size() == 1);
  CHECK(parse("f(1,)").statements.size() == 1);
  CHECK(parse("[1,\n]").statements.size() == 1);
  CHECK(parse("x = \\\n 1").diagnostics.error_count() == 1);
}

TEST_CASE("an error does not hide the next statement") {
  const auto bad = GENERATE(as<std::string>{}, "f(", "f(1", "f(1 2)", "[1, 2", "f]", "f)", "1 +",
                            "'a", "x = ", "= 3", "$", "f(a=)", "[,]", "f(,)", "x y", "f(1]", "[1)",
                            "0x", "import a.b", "f(x for x in y)", "{1: 2}", "a.b(1)", "x[0]",
                            "f(*a)", "-", "--1", "f(1), 2", "a; b", "def f():");
  INFO(bad);
  const Parsed parsed = parse(bad + "\ngood(1)\nx = good(2)\n");
  CHECK(parsed.diagnostics.error_count() == 1);
  REQUIRE_FALSE(parsed.statements.empty());
  CHECK(parsed.statements.back().target == "x");
}

TEST_CASE("a missing bracket does not swallow the file") {
  const Parsed parsed = parse("a(1,\n  2\nb(1)\nc(2\nd = e(3)\n");
  CHECK(parsed.diagnostics.error_count() == 2);
  REQUIRE(parsed.statements.size() == 2);
  CHECK(parsed.statements[0].value.compound->callee->text == "b");
  CHECK(parsed.statements[1].target == "d");
}

}  // namespace
}  // namespace convc::test
