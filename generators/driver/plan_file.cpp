#include "generators/driver/plan_file.h"

#include "generators/emit/names.h"

namespace convc {
namespace {

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// Reads "LAYER ISA: PLAN"; returns what is wrong, or "".
std::string parse_line(std::string_view line, int number, PlanFile& file) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return "expected `LAYER ISA: PLAN`, found no `:`";
  const std::string_view head = trim(line.substr(0, colon));
  const std::size_t space = head.find_last_of(" \t");
  if (space == std::string_view::npos)
    return "expected a layer and an ISA before the `:`, found `" + std::string(head) + "`";
  const std::string layer(trim(head.substr(0, space)));
  const std::string isa(head.substr(space + 1));
  std::string error;
  const std::optional<Plan> plan = parse_plan(trim(line.substr(colon + 1)), &error);
  if (!plan) return error;
  const auto [place, is_new] = file.plans.try_emplace({layer, isa}, PlanFile::Entry{*plan, number});
  if (!is_new)
    return "`" + layer + " " + isa + "` has a plan already, on line " +
           std::to_string(place->second.line);
  return "";
}

}  // namespace

std::vector<std::string> step_paths(const Graph& lowered) {
  std::vector<std::string> paths = step_names(lowered);
  if (lowered.form == GraphForm::layer) return paths;
  for (std::string& path : paths) path.insert(0, lowered.name + "/");
  return paths;
}

std::string plan_file_line(const std::string& layer, const std::string& isa, const Plan& plan) {
  return layer + " " + isa + ": " + to_text(plan);
}

PlanFile parse_plan_file(std::string_view text, const std::string& path,
                         std::vector<std::string>* errors) {
  PlanFile file;
  file.path = path;
  int number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    line = trim(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    const std::string error = parse_line(line, number, file);
    if (!error.empty())
      errors->push_back(path + ":" + std::to_string(number) + ": error: " + error);
  }
  return file;
}

}  // namespace convc
