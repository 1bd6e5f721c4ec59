// Parser: spec text to statements, one at a time. The language is a strict subset of Python's
// expressions; what Python has beyond it is refused with a sentence of its own. After an error it
// goes on at the next statement, so one run reports the errors of all statements.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dsl/ast.h"
#include "dsl/diagnostics.h"
#include "dsl/lexer.h"

namespace convc {

/// Statements of one file, with errors or without; what follows is not read.
inline constexpr std::size_t kMaxStatements = 100'000;
/// Brackets (and calls of calls) may be nested this deep; a filter bank needs 6.
inline constexpr int kMaxNesting = 100;
/// Values of one statement other than the numbers of long lists (those cost 8 bytes each).
inline constexpr std::size_t kMaxValues = 2'000'000;

class Parser {
 public:
  /// `file` is known to `diagnostics`, which must outlive the parser. The text is valid UTF-8.
  Parser(std::uint32_t file, Diagnostics* diagnostics);

  /// The next statement that could be parsed; nullopt at the end of the file. Statements with
  /// errors are reported and skipped.
  std::optional<Statement> next();

 private:
  using Result = std::optional<Expr>;

  void advance();
  [[nodiscard]] bool at(TokenKind kind) const { return token_.kind == kind; }
  // Where no item of a list can begin.
  [[nodiscard]] bool at_close() const {
    return at(TokenKind::end) || at(TokenKind::right_paren) || at(TokenKind::right_bracket);
  }
  std::optional<Statement> statement();
  Result expression(int depth);
  Result primary(int depth);
  Result signed_number();
  Result number(bool negative, std::uint32_t begin);
  Result string();
  Result name();
  Result list(int depth);
  Result parenthesized(int depth);
  Result call(Expr callee, int depth);
  bool argument(Compound& compound, int depth);
  bool append(Compound& compound, Expr item);
  bool expand(Compound& compound, SourceRange where);
  bool item_end(TokenKind close, SourceRange open, const char* what);
  void report_item_end(const char* bracket, SourceRange open, const char* what);
  bool count_statement();
  bool count_value(SourceRange range);
  bool depth_ok(int depth, SourceRange range);
  void unexpected(const std::string& expected);
  bool refuse_python(SourceRange range, const std::string& what, const std::string& help);
  bool refuse_python_token(bool after_value);
  void refuse_subscript();
  bool refuse_keyword();
  void recover();

  Diagnostics& diagnostics_;
  std::uint32_t file_;
  Lexer lexer_;
  Token token_;
  std::uint32_t statement_begin_ = 0;
  int brackets_ = 0;  // open ones: newlines within are white space
  std::size_t statements_ = 0;
  std::size_t values_ = 0;
};

}  // namespace convc
