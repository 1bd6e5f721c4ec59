#include "generators/driver/exercise_json.h"

#include <algorithm>
#include <array>
#include <limits>

namespace convc {
namespace {

template <typename Enum, std::size_t N>
Enum find_by_name(const std::array<Enum, N>& values, const std::string& name) {
  for (Enum value : values)
    if (name == name_of(value)) return value;
  return values[0];
}

/// JSON has no infinity, and an error can be infinite.
double finite(double value) {
  return std::min(value, std::numeric_limits<double>::max());
}

constexpr std::array kVerdicts = {Verdict::failed, Verdict::passed, Verdict::mistrusted};
constexpr std::array kKinds = {DataKind::integers, DataKind::reals, DataKind::extremes};

}  // namespace

nlohmann::ordered_json to_json(const ExerciseResult& result) {
  nlohmann::ordered_json json = {{"verdict", name_of(result.verdict)}, {"message", result.message}};
  json["data"] = nlohmann::ordered_json::array();
  for (const KindResult& kind : result.kinds)
    json["data"].push_back({{"kind", name_of(kind.kind)},
                            {"exact", kind.exact},
                            {"max_abs_error", finite(kind.max_abs_error)},
                            {"allowed_there", finite(kind.allowed_at_max)},
                            {"max_error_over_bound", finite(kind.max_error_over_bound)},
                            {"max_ulp", finite(kind.max_ulp)},
                            {"zero_fraction", finite(kind.zero_fraction)}});
  return json;
}

ExerciseResult exercise_result_from(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text);
  ExerciseResult result;
  result.verdict = find_by_name(kVerdicts, json.at("verdict"));
  result.message = json.at("message");
  for (const nlohmann::json& entry : json.at("data")) {
    KindResult kind;
    kind.kind = find_by_name(kKinds, entry.at("kind"));
    kind.exact = entry.at("exact");
    kind.max_abs_error = entry.at("max_abs_error");
    kind.allowed_at_max = entry.at("allowed_there");
    kind.max_error_over_bound = entry.at("max_error_over_bound");
    kind.max_ulp = entry.at("max_ulp");
    kind.zero_fraction = entry.at("zero_fraction");
    result.kinds.push_back(kind);
  }
  return result;
}

}  // namespace convc
