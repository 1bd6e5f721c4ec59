// Lexer. Precondition of the constructor's text: valid UTF-8 without a byte order mark.
#include "dsl/lexer.h"

#include <algorithm>

namespace convc {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_word(char c) {
  return is_letter(c) || is_digit(c);
}

}  // namespace

Token Lexer::make(TokenKind kind, std::size_t begin) const {
  Token token;
  token.kind = kind;
  token.range = {file_, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(offset_)};
  token.text = text_.substr(begin, offset_ - begin);
  token.first_in_line = at_line_start_;
  token.indented = at_line_start_ && begin != line_begin_;
  return token;
}

void Lexer::skip_blanks() {
  while (offset_ < text_.size()) {
    const char c = text_[offset_];
    const bool line_end = c == '\r' && text_.substr(offset_, 2) == "\r\n";
    if (c == ' ' || c == '\t' || c == '\f' || line_end) {
      ++offset_;
    } else if (c == '#') {
      offset_ = std::min(text_.find('\n', offset_), text_.size());
    } else {
      return;
    }
  }
}

Token Lexer::next() {
  skip_blanks();
  const std::size_t begin = offset_;
  if (begin == text_.size()) return make(TokenKind::end, begin);
  const char c = text_[begin];
  if (c == '\n') {
    ++offset_;
    const Token token = make(TokenKind::newline, begin);
    at_line_start_ = true;
    line_begin_ = offset_;
    return token;
  }
  Token token;
  const bool number_follows = begin + 1 < text_.size() && is_digit(text_[begin + 1]);
  if (is_digit(c) || (c == '.' && number_follows)) {
    token = number();
  } else if (is_letter(c)) {
    while (offset_ < text_.size() && is_word(text_[offset_])) ++offset_;
    const bool quote = offset_ < text_.size() && (text_[offset_] == '"' || text_[offset_] == '\'');
    token = make(quote && offset_ - begin <= 2 ? TokenKind::python : TokenKind::name, begin);
  } else if (c == '"' || c == '\'') {
    token = string(begin);
  } else {
    token = symbol();
  }
  at_line_start_ = false;
  return token;
}

// Takes everything that could have been meant as one number; the parser judges it.
Token Lexer::number() {
  const std::size_t begin = offset_;
  while (offset_ < text_.size()) {
    const char c = text_[offset_];
    const char before = offset_ > begin ? text_[offset_ - 1] : ' ';
    const bool hex = text_.substr(begin, 2) == "0x" || text_.substr(begin, 2) == "0X";
    const bool sign = (c == '+' || c == '-') && (before == 'e' || before == 'E') && !hex;
    if (!is_word(c) && c != '.' && !sign) break;
    ++offset_;
  }
  return make(TokenKind::number, begin);
}

// One line, or several between triple quotes.
Token Lexer::string(std::size_t begin) {
  const char quote = text_[begin];
  const std::string_view triple = text_.substr(begin, 3);
  if (triple.size() == 3 && triple[1] == quote && triple[2] == quote) {
    const std::size_t close = text_.find(triple, begin + 3);
    offset_ = close == std::string_view::npos ? text_.size() : close + 3;
    Token token =
        make(close == std::string_view::npos ? TokenKind::open_string : TokenKind::string, begin);
    const std::size_t line = token.text.rfind('\n');
    if (line != std::string_view::npos) line_begin_ = begin + line + 1;
    return token;
  }
  for (++offset_; offset_ < text_.size() && text_[offset_] != '\n'; ++offset_) {
    if (text_[offset_] == quote) {
      ++offset_;
      return make(TokenKind::string, begin);
    }
    if (text_[offset_] == '\\' && offset_ + 1 < text_.size() && text_[offset_ + 1] != '\n') {
      ++offset_;
    }
  }
  return make(TokenKind::open_string, begin);
}

Token Lexer::symbol() {
  const std::size_t begin = offset_;
  const char c = text_[offset_++];
  const char following = offset_ < text_.size() ? text_[offset_] : ' ';
  switch (c) {
    case '(':
      return make(TokenKind::left_paren, begin);
    case ')':
      return make(TokenKind::right_paren, begin);
    case '[':
      return make(TokenKind::left_bracket, begin);
    case ']':
      return make(TokenKind::right_bracket, begin);
    case ',':
      return make(TokenKind::comma, begin);
    case '-':
      if (following == '=' || following == '>') return ++offset_, make(TokenKind::python, begin);
      return make(TokenKind::minus, begin);
    case '+':
      if (following == '=') return ++offset_, make(TokenKind::python, begin);
      return make(TokenKind::plus, begin);
    case '=':
      if (following == '=') return ++offset_, make(TokenKind::python, begin);
      return make(TokenKind::equals, begin);
    default:
      break;
  }
  constexpr std::string_view kPython = "{}.:;*/%@&|^~<>!\\";
  if (kPython.find(c) != std::string_view::npos) {
    while (offset_ < text_.size() && text_[offset_] == c && c == '*') ++offset_;
    // A backslash joins two lines into one.
    const std::string_view rest = text_.substr(offset_);
    if (c == '\\' && rest.substr(0, 1) == "\n") offset_ += 1;
    if (c == '\\' && rest.substr(0, 2) == "\r\n") offset_ += 2;
    return make(TokenKind::python, begin);
  }
  while (offset_ < text_.size() && (static_cast<unsigned char>(text_[offset_]) & 0xC0) == 0x80) {
    ++offset_;
  }
  return make(TokenKind::unknown, begin);
}

}  // namespace convc
