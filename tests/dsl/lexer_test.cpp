// Tokens: kinds and texts.
#include "dsl/lexer.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace convc::test {
namespace {

using Kinds = std::vector<TokenKind>;

std::vector<Token> tokens_of(std::string_view text) {
  Lexer lexer(text, 1);
  std::vector<Token> tokens;
  for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
    tokens.push_back(token);
  }
  return tokens;
}

Kinds kinds_of(std::string_view text) {
  Kinds kinds;
  for (const Token& token : tokens_of(text)) kinds.push_back(token.kind);
  return kinds;
}

TEST_CASE("tokens of a call") {
  CHECK(kinds_of("x = Conv2D(3, [1.5, -2], name='a') # end") ==
        Kinds{TokenKind::name, TokenKind::equals, TokenKind::name, TokenKind::left_paren,
              TokenKind::number, TokenKind::comma, TokenKind::left_bracket, TokenKind::number,
              TokenKind::comma, TokenKind::minus, TokenKind::number, TokenKind::right_bracket,
              TokenKind::comma, TokenKind::name, TokenKind::equals, TokenKind::string,
              TokenKind::right_paren});
}

TEST_CASE("numbers are taken whole") {
  const auto text = GENERATE(as<std::string>{}, "0", "12", "1_000", "0x1F", "0b11", "1.", ".5",
                             "1e-3", "1E+10", "1.5e3", "12abc", "1.2.3", "0x1e", "1__0", "3j");
  const std::vector<Token> tokens = tokens_of(text);
  INFO(text);
  REQUIRE(tokens.size() == 1);
  CHECK(tokens[0].kind == TokenKind::number);
  CHECK(tokens[0].text == text);
}

TEST_CASE("a sign is part of an exponent only") {
  CHECK(kinds_of("1e-3") == Kinds{TokenKind::number});
  CHECK(kinds_of("1-3") == Kinds{TokenKind::number, TokenKind::minus, TokenKind::number});
  CHECK(kinds_of("0xe-3") == Kinds{TokenKind::number, TokenKind::minus, TokenKind::number});
}

TEST_CASE("strings end at their quote, at the end of the line, or at three quotes") {
  CHECK(kinds_of("'a\"b'") == Kinds{TokenKind::string});
  CHECK(kinds_of("\"a\\\"b\"") == Kinds{TokenKind::string});
  CHECK(kinds_of("'a\n") == Kinds{TokenKind::open_string, TokenKind::newline});
  CHECK(kinds_of("'a\\") == Kinds{TokenKind::open_string});
  CHECK(kinds_of("'") == Kinds{TokenKind::open_string});
  CHECK(kinds_of("'''a\n'b''' x") == Kinds{TokenKind::string, TokenKind::name});
  CHECK(kinds_of("\"\"\"a") == Kinds{TokenKind::open_string});
  CHECK(kinds_of("''") == Kinds{TokenKind::string});
}

TEST_CASE("line ends, comments and white space") {
  CHECK(kinds_of("a\r\nb\n\tc # d\n#e") == Kinds{TokenKind::name, TokenKind::newline,
                                                 TokenKind::name, TokenKind::newline,
                                                 TokenKind::name, TokenKind::newline});
  CHECK(kinds_of("a\rb") == Kinds{TokenKind::name, TokenKind::unknown, TokenKind::name});
  const std::vector<Token> tokens = tokens_of("a\n b c");
  CHECK(tokens[0].first_in_line);
  CHECK_FALSE(tokens[0].indented);
  CHECK(tokens[2].indented);
  CHECK_FALSE(tokens[3].first_in_line);
}

TEST_CASE("what is not of the language is a token too") {
  CHECK(kinds_of("f'x'") == Kinds{TokenKind::python, TokenKind::string});
  CHECK(kinds_of("a.b") == Kinds{TokenKind::name, TokenKind::python, TokenKind::name});
  CHECK(kinds_of("**a") == Kinds{TokenKind::python, TokenKind::name});
  CHECK(kinds_of("a == b") == Kinds{TokenKind::name, TokenKind::python, TokenKind::name});
  CHECK(kinds_of("é$?") == Kinds{TokenKind::unknown, TokenKind::unknown, TokenKind::unknown});
  CHECK(tokens_of("é")[0].text == "é");
}

}  // namespace
}  // namespace convc::test
