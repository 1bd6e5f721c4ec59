// Lexer: spec text to tokens, Python's own where the languages overlap. Reports nothing: what
// cannot be read is a token too, so that the parser can look ahead with a copy of the lexer.
#pragma once

#include <cstdint>
#include <string_view>

#include "dsl/source.h"

namespace convc {

enum class TokenKind {
  end,
  newline,
  name,
  number,       ///< any text that begins like a number, well-formed or not
  string,       ///< quotes included
  open_string,  ///< a string without its closing quote
  left_paren,
  right_paren,
  left_bracket,
  right_bracket,
  comma,
  equals,
  minus,
  plus,
  python,   ///< a Python operator, brace or prefix that the language does not have
  unknown,  ///< a character that means nothing
};

struct Token {
  TokenKind kind = TokenKind::end;
  SourceRange range;
  std::string_view text;
  bool first_in_line = false;  ///< only white space before it
  bool indented = false;       ///< first in its line, but not in column 1
};

/// Cheap to copy. Gives newline tokens everywhere; the parser drops those within brackets.
class Lexer {
 public:
  Lexer(std::string_view text, std::uint32_t file) : text_(text), file_(file) {}
  Token next();

 private:
  Token make(TokenKind kind, std::size_t begin) const;
  void skip_blanks();
  Token number();
  Token string(std::size_t begin);
  Token symbol();

  std::string_view text_;
  std::uint32_t file_;
  std::size_t offset_ = 0;
  std::size_t line_begin_ = 0;
  bool at_line_start_ = true;
};

}  // namespace convc
