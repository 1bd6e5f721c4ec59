// Which argument of a call is which parameter.
#include "dsl/elaborate.h"
#include "dsl/text.h"
#include "dsl/values.h"
#include "llvm/ADT/StringRef.h"

namespace convc {
namespace {

// Names that other frameworks give to what Keras names differently.
std::string_view keras_name(std::string_view name) {
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"out_channels", "filters"},
      {"kernel_shape", "kernel_size"},
      {"weights", "kernel"},
      {"weight", "kernel"},
      {"pads", "padding"},
      {"group", "groups"},
      {"batch_size", "batch"},
      {"shape", "input_shape"},
      {"batch_input_shape", "batch"},
      {"slope", "negative_slope"},
      {"eps", "epsilon"}};
  for (const auto& [other, keras] : kNames) {
    if (name == other) return keras;
  }
  return {};
}

// Keras' default of a training-only argument, e.g. "zeros" or True.
bool is_default(const Expr& given, std::string_view text) {
  switch (given.kind) {
    case ExprKind::boolean:
      return (given.integer != 0) == (text == "True");
    case ExprKind::string:
      return !text.empty() && llvm::StringRef(given.text.data(), given.text.size())
                                  .equals_insensitive(llvm::StringRef(text.data(), text.size()));
    default:
      return given.is_number() && !text.empty() && given.text == text;
  }
}

}  // namespace

Arguments Elaborator::bind(const Signature& signature, const Expr& expr) {
  Arguments arguments;
  std::map<std::string_view, SourceRange> seen;
  bool keyword_seen = false;
  bool ok = true;
  std::size_t position = 0;
  for (const CallArgument& argument : expr.compound->arguments) {
    const SourceRange where = argument.name.empty() ? argument.value->range : argument.name_range;
    if (argument.name.empty() && keyword_seen) {
      diagnostics_.error(Code::positional_after_keyword, where,
                         "an argument without a name cannot follow one with a name");
      ok = false;
      continue;
    }
    keyword_seen = keyword_seen || !argument.name.empty();
    const ParameterInfo* info = find_parameter(signature, argument, position++);
    if (info == nullptr) {
      ok = false;
      if (argument.name.empty()) break;
      continue;
    }
    const auto [before, fresh] = seen.emplace(info->name, where);
    if (!fresh) {
      diagnostics_.error(Code::repeated_argument, where, cat("`", info->name, "` is given twice"))
          .note("it is first given here", before->second);
      ok = false;
      continue;
    }
    if (info->use == ParameterInfo::Use::plain) {
      arguments[info->name] = argument.value.get();
    } else {
      refuse_argument(signature, *info, *argument.value, where);
    }
  }
  arguments_broken_ = !ok;
  return arguments;
}

const ParameterInfo* Elaborator::find_parameter(const Signature& signature,
                                                const CallArgument& argument,
                                                std::size_t position) {
  const std::vector<ParameterInfo>& parameters = signature.parameters;
  if (argument.name.empty()) {
    if (position < parameters.size() && parameters[position].positional) {
      return &parameters[position];
    }
    diagnostics_.error(Code::too_many_arguments, argument.value->range,
                       cat("too many arguments without a name for ", signature.type.callable));
    return nullptr;
  }
  std::vector<std::string_view> names;
  for (const ParameterInfo& info : parameters) {
    if (info.name == argument.name) return &info;
    names.push_back(info.name);
  }
  Diagnostic& error = diagnostics_.error(
      Code::unknown_argument, argument.name_range,
      cat("unknown argument `", argument.name.substr(0, 60), "` of ", signature.type.callable));
  std::string_view meant = keras_name(argument.name);
  bool known = false;
  for (const std::string_view name : names) known = known || name == meant;
  if (!known) meant = nearest(argument.name, names);
  if (!meant.empty()) error.help(cat("did you mean `", meant, "`?"));
  if (argument.name == "in_channels") {
    error.help("the channels of the input are the last number of input_shape");
  } else if (meant.empty()) {
    std::string list;
    for (const ParameterInfo& info : parameters) {
      if (info.use == ParameterInfo::Use::plain) list += cat(list.empty() ? "" : ", ", info.name);
    }
    error.help(cat("its arguments are ", list));
  }
  return nullptr;
}

// Arguments that Keras has and convc has not. A value that is Keras' default says nothing.
void Elaborator::refuse_argument(const Signature& signature, const ParameterInfo& info,
                                 const Expr& value, SourceRange where) {
  const Expr& given = value_of(value);
  if (given.kind == ExprKind::none || is_broken(value)) return;
  if (info.use == ParameterInfo::Use::future) {
    if (given.kind == ExprKind::boolean && given.integer == 0) return;
    diagnostics_
        .error(Code::not_supported_yet, where,
               cat("`", info.name, "` of ", signature.type.callable, " is not supported yet"))
        .help("remove it");
    return;
  }
  if (is_default(given, default_of(info.name))) return;
  diagnostics_.error(Code::training_only, where,
                     cat("`", info.name, "` is for training, and convc compiles inference only"));
}

bool Elaborator::read_name(const Arguments& arguments, std::string_view prefix, std::string* name,
                           SourceRange* range) {
  const auto found = arguments.find("name");
  if (found == arguments.end() || value_of(*found->second).kind == ExprKind::none) {
    *name = auto_names_.next(std::string(prefix));
    return true;
  }
  *range = found->second->range;
  const std::optional<std::string> given = read_string(*found->second, "`name`", diagnostics_);
  *name = given ? *given : auto_names_.next(std::string(prefix));
  return given && check_name(*given, "the name", Code::not_an_identifier, *range, "use name=\"",
                             diagnostics_);
}

}  // namespace convc
