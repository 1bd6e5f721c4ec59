// Literal filters as text and back.
#include "generators/kernels/literal_text.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace convc {
namespace {

/// Reads words; streams cannot read hexadecimal floats.
bool read(std::istringstream& words, float& value) {
  std::string word;
  if (!(words >> word)) return false;
  value = std::strtof(word.c_str(), nullptr);
  return true;
}

void append(std::string& text, const std::vector<float>& numbers) {
  text += std::to_string(numbers.size()) + " ";
  for (const float number : numbers) text += hex_text(number) + " ";
}

bool read(std::istringstream& words, std::vector<float>& numbers) {
  std::size_t count = 0;
  if (!(words >> count)) return false;
  numbers.resize(count);
  for (float& number : numbers) {
    if (!read(words, number)) return false;
  }
  return true;
}

}  // namespace

std::string hex_text(float value) {
  std::array<char, 40> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%a", static_cast<double>(value));
  return buffer.data();
}

std::string text_of_taps(const std::vector<Tap>& taps) {
  std::string text;
  for (const Tap& tap : taps) {
    text += std::to_string(tap.row) + " " + std::to_string(tap.column) + " " +
            std::to_string(tap.channel) + " " + std::to_string(tap.filter) + " " +
            hex_text(tap.value) + " ";
  }
  return text;
}

std::vector<Tap> taps_from_text(const std::string& text) {
  std::vector<Tap> taps;
  std::istringstream words(text);
  Tap tap{};
  while (words >> tap.row >> tap.column >> tap.channel >> tap.filter && read(words, tap.value)) {
    taps.push_back(tap);
  }
  return taps;
}

std::string text_of_slices(const std::vector<SeparableSlice>& slices) {
  std::string text;
  for (const SeparableSlice& slice : slices) {
    text += std::to_string(slice.channel) + " " + std::to_string(slice.filter) + " ";
    append(text, slice.vertical);
    append(text, slice.horizontal);
  }
  return text;
}

std::vector<SeparableSlice> slices_from_text(const std::string& text) {
  std::vector<SeparableSlice> slices;
  std::istringstream words(text);
  SeparableSlice slice{};
  while (words >> slice.channel >> slice.filter && read(words, slice.vertical) &&
         read(words, slice.horizontal)) {
    slices.push_back(slice);
  }
  return slices;
}

std::string text_of_numbers(const std::vector<float>& numbers) {
  std::string text;
  append(text, numbers);
  return text;
}

std::vector<float> numbers_from_text(const std::string& text) {
  std::vector<float> numbers;
  std::istringstream words(text);
  read(words, numbers);
  return numbers;
}

std::string text_of_positions(const std::vector<TapPosition>& positions) {
  std::string text;
  for (const TapPosition& position : positions) {
    text += std::to_string(position.row) + " " + std::to_string(position.column) + " ";
  }
  return text;
}

std::vector<TapPosition> positions_from_text(const std::string& text) {
  std::vector<TapPosition> positions;
  std::istringstream words(text);
  TapPosition position{};
  while (words >> position.row >> position.column) positions.push_back(position);
  return positions;
}

}  // namespace convc
