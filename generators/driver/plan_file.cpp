#include "generators/driver/plan_file.h"

#include <optional>
#include <string_view>

#include "dsl/snippet.h"
#include "generators/emit/names.h"

namespace convc {
namespace {

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

class PlanFileReader {
 public:
  PlanFileReader(std::uint32_t file, const std::string& path, Diagnostics& diagnostics)
      : id_(file), text_(diagnostics.file_text(file)), diagnostics_(diagnostics) {
    file_.path = path;
  }

  PlanFile read() {
    for (std::string_view rest = text_; !rest.empty();) {
      const std::size_t end = rest.find('\n');
      const std::string_view line = rest.substr(0, end);
      rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
      const std::string_view content = trim(line.substr(0, line.find('#')));
      if (!content.empty()) read_line(content);
    }
    return std::move(file_);
  }

 private:
  /// LAYER ISA: PLAN.
  void read_line(std::string_view line) {
    const std::size_t colon = line.find(':');
    const std::string_view head = trim(line.substr(0, colon));
    const std::size_t space = head.find_last_of(" \t");
    if (colon == std::string_view::npos || space == std::string_view::npos) {
      diagnostics_
          .error(Code::none, range_of(head),
                 "expected `LAYER ISA: PLAN`, found no " +
                     std::string(colon == std::string_view::npos ? "`:`" : "ISA before the `:`"))
          .help("write lines as `convc plan` prints them");
      return;
    }
    const std::string_view layer = trim(head.substr(0, space));
    const std::string_view text = trim(line.substr(colon + 1));
    std::string error;
    const std::optional<Plan> plan = parse_plan(text, &error);
    if (!plan) {
      diagnostics_.error(Code::none, range_of(text.empty() ? line : text), printable(error))
          .help("`convc plan` prints plans, which can be edited");
      return;
    }
    const std::pair key{std::string(layer), std::string(head.substr(space + 1))};
    const auto [before, is_new] =
        file_.plans.try_emplace(key, PlanFile::Entry{*plan, range_of(layer), range_of(text)});
    if (is_new) return;
    diagnostics_
        .error(Code::none, range_of(head),
               "`" + printable(key.first + " " + key.second) + "` has a plan already")
        .help("remove one of the two")
        .note("the other one is here", before->second.layer);
  }

  [[nodiscard]] SourceRange range_of(std::string_view part) const {
    const auto begin = static_cast<std::uint32_t>(part.data() - text_.data());
    return {id_, begin, begin + static_cast<std::uint32_t>(part.size())};
  }

  std::uint32_t id_;
  std::string_view text_;
  Diagnostics& diagnostics_;
  PlanFile file_;
};

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

PlanFile parse_plan_file(std::uint32_t file, const std::string& path, Diagnostics& diagnostics) {
  return PlanFileReader(file, path, diagnostics).read();
}

}  // namespace convc
