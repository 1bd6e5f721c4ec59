// Parser: statements and expressions. Errors and recovery are in parser_errors.cpp.
#include "dsl/parser.h"

#include "dsl/numbers.h"
#include "dsl/text.h"

namespace convc {
namespace {

// Lists this long whose elements are all numbers are kept as plain doubles.
constexpr std::size_t kLongList = 16;

// Moves the numbers of a list to their compact form.
void make_compact(Compound& compound) {
  compound.numbers.reserve(4 * kLongList);
  for (const Expr& item : compound.items) compound.numbers.push_back(item.number);
  compound.items.clear();
  compound.items.shrink_to_fit();
}

bool all_numbers(const std::vector<Expr>& items) {
  for (const Expr& item : items) {
    if (!item.is_number()) return false;
  }
  return true;
}

}  // namespace

Parser::Parser(std::uint32_t file, Diagnostics* diagnostics)
    : diagnostics_(*diagnostics), file_(file), lexer_(diagnostics->file_text(file), file) {
  advance();
}

// Brackets are counted as they are passed, so that newlines within them can be skipped.
void Parser::advance() {
  if (at(TokenKind::left_paren) || at(TokenKind::left_bracket)) ++brackets_;
  if ((at(TokenKind::right_paren) || at(TokenKind::right_bracket)) && brackets_ > 0) --brackets_;
  do {
    token_ = lexer_.next();
  } while (at(TokenKind::newline) && brackets_ > 0);
}

std::optional<Statement> Parser::next() {
  for (;;) {
    brackets_ = 0;
    while (at(TokenKind::newline)) advance();
    if (at(TokenKind::end) || !count_statement()) return std::nullopt;
    values_ = 0;
    statement_begin_ = token_.range.begin;
    if (token_.indented) {
      diagnostics_.error(Code::indented, token_.range, "a statement begins in column 1")
          .help("remove the white space before it, or close the bracket above with ) or ]");
    }
    std::optional<Statement> parsed = statement();
    if (parsed) return parsed;
    recover();
  }
}

std::optional<Statement> Parser::statement() {
  if (at(TokenKind::name) && refuse_keyword()) return std::nullopt;
  Statement statement;
  if (at(TokenKind::name)) {
    Lexer ahead = lexer_;
    if (ahead.next().kind == TokenKind::equals) {
      statement.target = token_.text;
      statement.target_range = token_.range;
      advance();
      advance();
    }
  }
  Result value = expression(0);
  if (!value) return std::nullopt;
  if (!at(TokenKind::newline) && !at(TokenKind::end)) {
    if (at(TokenKind::comma)) {
      diagnostics_.error(Code::syntax, token_.range, "unexpected ',' after a statement")
          .help("remove the comma: each statement stands on lines of its own");
    } else if (at(TokenKind::left_bracket)) {
      refuse_subscript();
    } else if (!refuse_python_token(true)) {
      unexpected("the end of the line");
    }
    return std::nullopt;
  }
  statement.value = std::move(*value);
  return statement;
}

// A primary and the calls after it.
Parser::Result Parser::expression(int depth) {
  Result value = primary(depth);
  for (int calls = 1; value && at(TokenKind::left_paren); ++calls) {
    if (!depth_ok(depth + calls, token_.range)) return std::nullopt;
    value = call(std::move(*value), depth);
  }
  return value;
}

Parser::Result Parser::primary(int depth) {
  if (!count_value(token_.range)) return std::nullopt;
  switch (token_.kind) {
    case TokenKind::number:
      return number(false, token_.range.begin);
    case TokenKind::minus:
    case TokenKind::plus:
      return signed_number();
    case TokenKind::string:
      return string();
    case TokenKind::name:
      return name();
    case TokenKind::left_bracket:
      return list(depth + 1);
    case TokenKind::left_paren:
      return parenthesized(depth + 1);
    case TokenKind::open_string:
      diagnostics_.error(Code::open_string, token_.range, "this string is not closed")
          .help(cat("end it with ", token_.text.front(), " on the same line"));
      return std::nullopt;
    default:
      break;
  }
  if (!refuse_python_token(false)) unexpected("a value");
  return std::nullopt;
}

Parser::Result Parser::signed_number() {
  const Token sign = token_;
  advance();
  if (at(TokenKind::number)) return number(sign.kind == TokenKind::minus, sign.range.begin);
  unexpected(cat("a number after '", sign.text, "'"));
  return std::nullopt;
}

Parser::Result Parser::number(bool negative, std::uint32_t begin) {
  std::string why;
  const std::optional<Number> read = parse_number(token_.text, &why);
  if (!read) {
    diagnostics_.error(Code::bad_number, token_.range, cat("cannot read this number: ", why));
    return std::nullopt;
  }
  Expr value;
  value.kind = read->is_integer ? ExprKind::integer : ExprKind::floating;
  value.range = {file_, begin, token_.range.end};
  value.text = diagnostics_.file_text(file_).substr(begin, token_.range.end - begin);
  value.integer = negative ? -read->integer : read->integer;
  value.number = negative ? -read->value : read->value;
  if (read->is_integer && read->fits_int64) value.number = static_cast<double>(value.integer);
  value.fits_int64 = read->fits_int64;
  advance();
  return value;
}

Parser::Result Parser::string() {
  Expr value;
  value.kind = ExprKind::string;
  value.range = token_.range;
  const std::size_t quotes = token_.text.size() >= 6 && token_.text[0] == token_.text[1] &&
                                     token_.text[0] == token_.text[2]
                                 ? 3
                                 : 1;
  value.text = token_.text.substr(quotes, token_.text.size() - 2 * quotes);
  for (std::size_t i = 0; i + 1 < value.text.size(); ++i) {
    if (value.text[i] != '\\') continue;
    ++i;
    if (std::string_view("\\'\"nt").find(value.text[i]) != std::string_view::npos) continue;
    diagnostics_
        .error(Code::open_string, value.range, "this string has an escape that is not known")
        .help(R"(the escapes are \\ \' \" \n \t)");
    return std::nullopt;
  }
  advance();
  return value;
}

Parser::Result Parser::name() {
  if (refuse_keyword()) return std::nullopt;
  Expr value;
  value.range = token_.range;
  value.text = token_.text;
  value.kind = ExprKind::name;
  if (value.text == "None") value.kind = ExprKind::none;
  if (value.text == "True" || value.text == "False") {
    value.kind = ExprKind::boolean;
    value.integer = value.text == "True" ? 1 : 0;
  }
  advance();
  return value;
}

bool Parser::append(Compound& compound, Expr item) {
  if (!compound.numbers.empty()) {
    if (item.is_number()) {
      --values_;  // counts by its size, not as a value
      compound.numbers.push_back(item.number);
      return true;
    }
    if (!expand(compound, item.range)) return false;
  }
  compound.items.push_back(std::move(item));
  if (compound.items.size() == kLongList && all_numbers(compound.items)) make_compact(compound);
  return true;
}

// Back from the compact form, for the rare long list that has names among its numbers.
bool Parser::expand(Compound& compound, SourceRange where) {
  values_ += compound.numbers.size();
  if (!count_value(where)) return false;
  for (const double number : compound.numbers) {
    Expr item;
    item.kind = ExprKind::floating;
    item.range = where;
    item.text = "...";
    item.number = number;
    compound.items.push_back(std::move(item));
  }
  compound.numbers.clear();
  return true;
}

// After an item: a comma or the closing bracket must follow.
bool Parser::item_end(TokenKind close, SourceRange open, const char* what) {
  if (at(TokenKind::comma)) {
    advance();
    return true;
  }
  if (at(close)) return true;
  report_item_end(close == TokenKind::right_paren ? ")" : "]", open, what);
  return false;
}

Parser::Result Parser::list(int depth) {
  const SourceRange open = token_.range;
  if (!depth_ok(depth, open)) return std::nullopt;
  advance();
  Expr value;
  value.kind = ExprKind::list;
  value.compound = std::make_unique<Compound>();
  while (!at(TokenKind::right_bracket)) {
    if (at_close()) return item_end(TokenKind::right_bracket, open, "list"), std::nullopt;
    Result item = expression(depth);
    if (!item || !append(*value.compound, std::move(*item))) return std::nullopt;
    if (!item_end(TokenKind::right_bracket, open, "list")) return std::nullopt;
  }
  value.range = {file_, open.begin, token_.range.end};
  advance();
  return value;
}

// (value) is the value, () and (value,) and (value, value) are tuples.
Parser::Result Parser::parenthesized(int depth) {
  const SourceRange open = token_.range;
  if (!depth_ok(depth, open)) return std::nullopt;
  advance();
  Expr value;
  value.kind = ExprKind::tuple;
  value.compound = std::make_unique<Compound>();
  bool comma = false;
  while (!at(TokenKind::right_paren)) {
    if (at_close()) return item_end(TokenKind::right_paren, open, "tuple"), std::nullopt;
    Result item = expression(depth);
    if (!item) return std::nullopt;
    comma = at(TokenKind::comma);
    if (!append(*value.compound, std::move(*item))) return std::nullopt;
    if (!item_end(TokenKind::right_paren, open, "tuple")) return std::nullopt;
  }
  value.range = {file_, open.begin, token_.range.end};
  advance();
  if (!comma && value.compound->items.size() == 1) {
    Expr inner = std::move(value.compound->items.front());
    inner.range = value.range;
    return inner;
  }
  return value;
}

Parser::Result Parser::call(Expr callee, int depth) {
  const SourceRange open = token_.range;
  Expr value;
  value.kind = ExprKind::call;
  value.compound = std::make_unique<Compound>();
  advance();
  while (!at(TokenKind::right_paren)) {
    if (at_close()) return item_end(TokenKind::right_paren, open, "call"), std::nullopt;
    if (!argument(*value.compound, depth + 1)) return std::nullopt;
    if (!item_end(TokenKind::right_paren, open, "call")) return std::nullopt;
  }
  value.range = {file_, callee.range.begin, token_.range.end};
  value.compound->callee = std::make_unique<Expr>(std::move(callee));
  advance();
  return value;
}

bool Parser::argument(Compound& compound, int depth) {
  CallArgument argument;
  if (at(TokenKind::name)) {
    Lexer ahead = lexer_;
    Token following = ahead.next();
    while (following.kind == TokenKind::newline) following = ahead.next();
    if (following.kind == TokenKind::equals) {
      argument.name = token_.text;
      argument.name_range = token_.range;
      advance();
      advance();
    }
  }
  Result value = expression(depth);
  if (!value) return false;
  argument.value = std::make_unique<Expr>(std::move(*value));
  compound.arguments.push_back(std::move(argument));
  return true;
}

}  // namespace convc
