// Literal filters as text and back: Halide::Generator parameters are strings. Numbers are written
// as hexadecimal floats, so that none is rounded. No Halide.
#pragma once

#include <string>
#include <vector>

#include "generators/plan/literal_filter.h"

namespace convc {

/// A number as a hexadecimal float.
std::string hex_text(float value);

/// "row column channel filter value ..." for each tap.
std::string text_of_taps(const std::vector<Tap>& taps);
std::vector<Tap> taps_from_text(const std::string& text);

/// "channel filter rows vertical... columns horizontal..." for each slice.
std::string text_of_slices(const std::vector<SeparableSlice>& slices);
std::vector<SeparableSlice> slices_from_text(const std::string& text);

std::string text_of_numbers(const std::vector<float>& numbers);
std::vector<float> numbers_from_text(const std::string& text);

/// "row column ..." for each position.
std::string text_of_positions(const std::vector<TapPosition>& positions);
std::vector<TapPosition> positions_from_text(const std::string& text);

}  // namespace convc
