// Plan as text and back. Pure.
#include "generators/plan/plan.h"

#include <array>
#include <charconv>
#include <sstream>
#include <utility>

namespace convc {
namespace {

constexpr std::array<std::pair<Algorithm, std::string_view>, 15> kAlgorithmNames = {{
    {Algorithm::direct, "direct"},
    {Algorithm::few_channels, "few_channels"},
    {Algorithm::pointwise, "pointwise"},
    {Algorithm::subsampled, "subsampled"},
    {Algorithm::split_channels, "split_channels"},
    {Algorithm::depthwise_pointwise, "depthwise_pointwise"},
    {Algorithm::depthwise, "depthwise"},
    {Algorithm::grouped, "grouped"},
    {Algorithm::planar, "planar"},
    {Algorithm::elementwise, "elementwise"},
    {Algorithm::channelwise, "channelwise"},
    {Algorithm::taps, "taps"},
    {Algorithm::winograd, "winograd"},
    {Algorithm::separable, "separable"},
    {Algorithm::naive, "naive"},
}};

constexpr std::array<std::pair<LoopOrder, std::string_view>, 2> kLoopOrderNames = {{
    {LoopOrder::filters_outer, "filters_outer"},
    {LoopOrder::pixels_outer, "pixels_outer"},
}};

template <typename Names, typename Value>
std::string_view find_name(const Names& names, Value value) {
  for (const auto& [candidate, name] : names) {
    if (candidate == value) return name;
  }
  return "?";
}

template <typename Value, typename Names>
std::optional<Value> find_value(const Names& names, std::string_view text) {
  for (const auto& [value, name] : names) {
    if (name == text) return value;
  }
  return std::nullopt;
}

template <typename Names>
std::string list_of(const Names& names) {
  std::string text;
  for (const auto& [value, name] : names) {
    text += text.empty() ? "" : ", ";
    text += name;
  }
  return text;
}

/// Parses a whole decimal number >= minimum.
template <typename Int>
bool parse_number(std::string_view text, Int minimum, Int& number) {
  const char* end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, number);
  return code == std::errc() && rest == end && number >= minimum;
}

/// "1x14x2" -> height, width, vectors.
bool parse_tile(std::string_view text, Plan& plan) {
  std::array<int*, 3> parts = {&plan.tile_height, &plan.tile_width, &plan.tile_vectors};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t end = text.find('x');
    if ((end == std::string_view::npos) != (i + 1 == parts.size())) return false;
    if (!parse_number(text.substr(0, end), 1, *parts[i])) return false;
    if (end != std::string_view::npos) text.remove_prefix(end + 1);
  }
  return true;
}

bool parse_flag(std::string_view text, bool& flag) {
  flag = text == "1";
  return text == "0" || text == "1";
}

/// Sets one "key=value" of a plan; false when the key or the value is not known.
bool set_field(Plan& plan, std::string_view key, std::string_view value) {
  if (key == "lanes") return parse_number(value, 1, plan.lanes);
  if (key == "tile") return parse_tile(value, plan);
  if (key == "channel_block") return parse_number<std::int64_t>(value, 0, plan.channel_block);
  if (key == "row_block") return parse_number<std::int64_t>(value, 0, plan.row_block);
  if (key == "column_block") return parse_number<std::int64_t>(value, 0, plan.column_block);
  if (key == "panel_block") return parse_number<std::int64_t>(value, 0, plan.panel_block);
  if (key == "output_tile") return parse_number(value, 0, plan.output_tile);
  if (key == "partial_sums") return parse_number(value, 0, plan.partial_sums);
  if (key == "all_taps") return parse_flag(value, plan.all_taps);
  if (key == "inside_taps") return parse_flag(value, plan.inside_taps);
  if (key == "order") {
    const auto order = find_value<LoopOrder>(kLoopOrderNames, value);
    if (order) plan.loop_order = *order;
    return order.has_value();
  }
  return false;
}

}  // namespace

std::string_view name_of(Algorithm algorithm) {
  return find_name(kAlgorithmNames, algorithm);
}

std::string_view name_of(Accuracy accuracy) {
  return accuracy == Accuracy::fast ? "fast" : "strict";
}

std::string to_text(const Plan& plan) {
  std::ostringstream text;
  text << name_of(plan.algorithm) << " lanes=" << plan.lanes << " tile=" << plan.tile_height << 'x'
       << plan.tile_width << 'x' << plan.tile_vectors << " channel_block=" << plan.channel_block
       << " row_block=" << plan.row_block << " column_block=" << plan.column_block
       << " panel_block=" << plan.panel_block
       << " order=" << find_name(kLoopOrderNames, plan.loop_order);
  if (plan.output_tile != 0) text << " output_tile=" << plan.output_tile;
  if (plan.partial_sums != 0) text << " partial_sums=" << plan.partial_sums;
  if (plan.all_taps) text << " all_taps=1";
  if (plan.inside_taps) text << " inside_taps=1";
  return text.str();
}

std::optional<Plan> parse_plan(std::string_view text, std::string* error) {
  std::istringstream words{std::string(text)};
  std::string word;
  auto fail = [&](const std::string& what) {
    if (error != nullptr) *error = what;
    return std::nullopt;
  };
  if (!(words >> word)) return fail("a plan begins with an algorithm, got nothing");
  const auto algorithm = find_value<Algorithm>(kAlgorithmNames, word);
  if (!algorithm) {
    return fail("unknown algorithm '" + word + "'; known are " + list_of(kAlgorithmNames));
  }
  Plan plan;
  plan.algorithm = *algorithm;
  while (words >> word) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || !set_field(plan, std::string_view(word).substr(0, equals),
                                                  std::string_view(word).substr(equals + 1))) {
      return fail("cannot read '" + word +
                  "'; fields are lanes=N tile=HxWxV channel_block=N row_block=N column_block=N "
                  "panel_block=N order=filters_outer|pixels_outer output_tile=N partial_sums=N "
                  "all_taps=0|1 inside_taps=0|1");
    }
  }
  return plan;
}

}  // namespace convc
