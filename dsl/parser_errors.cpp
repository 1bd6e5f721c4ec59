// What the parser says about text that is not a spec, and how it finds the next statement.
#include <algorithm>
#include <array>
#include <cctype>

#include "dsl/parser.h"
#include "dsl/snippet.h"
#include "dsl/text.h"

namespace convc {
namespace {

// Statements and operators that are words in Python.
constexpr std::array<std::string_view, 32> kPythonKeywords = {
    "and",    "as",   "assert", "async",  "await",  "break",   "class",    "continue",
    "def",    "del",  "elif",   "else",   "except", "finally", "for",      "from",
    "global", "if",   "import", "in",     "is",     "lambda",  "nonlocal", "not",
    "or",     "pass", "raise",  "return", "try",    "while",   "with",     "yield"};

bool is_python_keyword(std::string_view word) {
  return std::find(kPythonKeywords.begin(), kPythonKeywords.end(), word) != kPythonKeywords.end();
}

constexpr const char* kOnlyValues =
    "a spec is made of calls, names, lists, tuples and plain values only";

// The longest text of a token that a message repeats.
constexpr std::size_t kMaxQuoted = 40;

}  // namespace

bool Parser::count_statement() {
  if (++statements_ <= kMaxStatements) return true;
  diagnostics_
      .error(Code::too_deep, token_.range,
             cat("a file may hold ", kMaxStatements, " statements at most"))
      .help("split the file; the rest is not read");
  return false;
}

bool Parser::count_value(SourceRange range) {
  if (++values_ <= kMaxValues) return true;
  diagnostics_
      .error(Code::too_deep, range, cat("a statement may hold ", kMaxValues, " values at most"))
      .note("numbers in lists of 16 or more do not count")
      .help("split the statement");
  return false;
}

bool Parser::depth_ok(int depth, SourceRange range) {
  if (depth <= kMaxNesting) return true;
  diagnostics_
      .error(Code::too_deep, range, cat("brackets may be nested ", kMaxNesting, " deep at most"))
      .note("a bank of filters, kernel=[[[[...]]]], needs 5");
  return false;
}

void Parser::unexpected(const std::string& expected) {
  switch (token_.kind) {
    case TokenKind::end:
      diagnostics_.error(Code::syntax, token_.range,
                         "expected " + expected + ", not the end of the file");
      return;
    case TokenKind::newline:
      diagnostics_.error(Code::syntax, token_.range,
                         "expected " + expected + ", not the end of the line");
      return;
    case TokenKind::unknown: {
      Diagnostic& error = diagnostics_.error(
          Code::bad_character, token_.range,
          cat("the character '", printable(token_.text), "' has no meaning here"));
      if (token_.text == "\r") {
        error.help("end lines with a line feed, or a carriage return and a line feed");
      } else if (static_cast<unsigned char>(token_.text.front()) >= 0x80) {
        error.help("letters and signs beyond ASCII may stand in comments and strings only");
      }
      return;
    }
    case TokenKind::right_paren:
    case TokenKind::right_bracket:
      diagnostics_.error(brackets_ > 0 ? Code::syntax : Code::brackets, token_.range,
                         cat("expected ", expected, ", not '", token_.text, "'"));
      return;
    default:
      diagnostics_.error(
          Code::syntax, token_.range,
          cat("expected ", expected, ", not '", printable(token_.text.substr(0, kMaxQuoted)), "'"));
  }
}

// What stands where a comma or `bracket` should.
void Parser::report_item_end(const char* bracket, SourceRange open, const char* what) {
  if (at(TokenKind::end)) {
    diagnostics_.error(Code::brackets, open, cat("this bracket is not closed with ", bracket))
        .help(cat("add ", bracket, " after the last element"));
    return;
  }
  if (at(TokenKind::right_paren) || at(TokenKind::right_bracket)) {
    diagnostics_
        .error(Code::brackets, token_.range,
               cat("'", token_.text, "' does not close this ", what, "; expected '", bracket, "'"))
        .help(cat("write ", bracket, " here, or add it before this"))
        .note(cat("the ", what, " was opened here"), open);
    return;
  }
  if (refuse_python_token(true)) return;
  if (at(TokenKind::left_bracket) && std::string_view(what) == "call" && !token_.first_in_line) {
    refuse_subscript();
    return;
  }
  if (at(TokenKind::unknown)) return unexpected(cat("',' or '", bracket, "'"));
  std::string help = "add a comma";
  if (at(TokenKind::equals)) {
    help = "name=value can stand directly within the brackets of a call only";
  } else if (token_.first_in_line) {
    help = cat("add a comma at the end of the line above, or close the ", what, " with '", bracket,
               "'");
  }
  diagnostics_
      .error(Code::syntax, token_.range,
             cat("expected ',' or '", bracket, "' in this ", what, ", not '",
                 printable(token_.text.substr(0, kMaxQuoted)), "'"))
      .help(help)
      .note(cat("the ", what, " was opened here"), open);
}

bool Parser::refuse_python(SourceRange range, const std::string& what, const std::string& help) {
  diagnostics_.error(Code::python_only, range, what + " not part of the spec language").help(help);
  return true;
}

bool Parser::refuse_python_token(bool after_value) {
  if (at(TokenKind::plus) || at(TokenKind::minus)) {
    return refuse_python(token_.range, "arithmetic is", "write the result as one number");
  }
  if (at(TokenKind::name)) return refuse_keyword();
  if (!at(TokenKind::python)) return false;
  const std::string_view text = token_.text;
  const SourceRange range = token_.range;
  const char first = text.front();
  if (first == '.') {
    return refuse_python(range, "names with a dot are",
                         "write the layer's name alone, as in Conv2D(...): layers need no prefix");
  }
  if (first == '{' || first == '}') {
    return refuse_python(range, "dictionaries and sets are", kOnlyValues);
  }
  if (first == ';') return refuse_python(range, "';' is", "put each statement on its own line");
  if (first == '\\') {
    return refuse_python(range, "continuing a line with \\ is",
                         "lines continue by themselves within brackets");
  }
  if (first == ':') return refuse_python(range, "':' is", kOnlyValues);
  if (first == '*' && !after_value) {
    return refuse_python(range, cat("'", text, "' is"), "write each argument out");
  }
  if (std::string_view("*/%@&|^<>").find(first) != std::string_view::npos) {
    return refuse_python(range, "arithmetic is", "write the result as one number");
  }
  if (std::isalpha(static_cast<unsigned char>(first)) != 0) {
    return refuse_python(range, "a prefix before a string is", "write the string without it");
  }
  return refuse_python(range, cat("the operator '", text, "' is"), kOnlyValues);
}

void Parser::refuse_subscript() {
  refuse_python(token_.range, "picking elements with [ ] is", kOnlyValues);
}

bool Parser::refuse_keyword() {
  const std::string_view word = token_.text;
  if (!is_python_keyword(word)) return false;
  if (word == "import" || word == "from") {
    return refuse_python(token_.range, cat("'", word, "' is"),
                         "remove the line: the names of layers are built in");
  }
  return refuse_python(token_.range, cat("'", word, "' is"), kOnlyValues);
}

// Skips to the next line that can begin a statement: the first one outside brackets, or, because a
// missing bracket would swallow the rest of the file, one that begins with "name(" or "name =
// name(" in column 1.
void Parser::recover() {
  while (!at(TokenKind::end)) {
    if (at(TokenKind::newline)) return;
    if (at(TokenKind::name) && token_.first_in_line && !token_.indented) {
      Lexer ahead = lexer_;
      Token following = ahead.next();
      if (following.kind == TokenKind::equals && ahead.next().kind == TokenKind::name) {
        following = ahead.next();
      }
      if (following.kind == TokenKind::left_paren) {
        if (token_.range.begin != statement_begin_) return;
      }
    }
    advance();
  }
}

}  // namespace convc
