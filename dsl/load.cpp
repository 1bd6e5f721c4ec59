// Files to text, text to drafts, drafts to a Module.
#include "dsl/load.h"

#include <cerrno>
#include <cstring>

#include "dsl/checker.h"
#include "dsl/elaborate.h"
#include "dsl/names.h"
#include "dsl/parser.h"
#include "dsl/read_bytes.h"
#include "dsl/text.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/Path.h"

namespace convc {
namespace {

// The bytes of a file (or pipe); one more than kMaxFileBytes at most.
std::optional<std::string> read_file(const std::string& path, Diagnostics& diagnostics) {
  std::optional<std::string> bytes = read_bytes(path, kMaxFileBytes);
  if (bytes) return bytes;
  const int reason = errno;
  diagnostics.set_origin(path);
  diagnostics.error(Code::unreadable_file, {},
                    cat("cannot read this file: ", std::strerror(reason)));
  return std::nullopt;
}

// Reports bytes that no spec has. Precondition: `file` is known to diagnostics.
bool check_bytes(std::uint32_t file, Diagnostics& diagnostics) {
  const std::string_view text = diagnostics.file_text(file);
  const auto at = [&](std::size_t offset) {
    const auto begin = static_cast<std::uint32_t>(offset);
    return SourceRange{file, begin, begin + 1};
  };
  if (text.substr(0, 2) == "\xFF\xFE" || text.substr(0, 2) == "\xFE\xFF") {
    diagnostics.error(Code::not_utf8, at(0), "this file is UTF-16").help("save it as UTF-8");
    return false;
  }
  const std::size_t nul = text.find('\0');
  const auto* bytes = reinterpret_cast<const llvm::UTF8*>(text.data());
  const llvm::UTF8* stop = bytes;
  const bool legal = llvm::isLegalUTF8String(&stop, bytes + text.size());
  const auto illegal = static_cast<std::size_t>(stop - bytes);
  if (nul != std::string_view::npos && (legal || nul < illegal)) {
    diagnostics.error(Code::not_utf8, at(nul), "this file holds a zero byte, so it is not text")
        .help("is this the file you meant?");
    return false;
  }
  if (legal) return true;
  diagnostics.error(Code::not_utf8, at(illegal), "this byte is not UTF-8");
  return false;
}

// Parses one file into drafts. A file that cannot be a spec is reported and adds nothing.
void read_drafts(std::string text, const std::string& filename, ModuleDraft* module,
                 Diagnostics& diagnostics) {
  if (text.size() > kMaxFileBytes) {
    diagnostics.set_origin(filename);
    diagnostics.error(Code::file_too_large, {},
                      cat("this file is larger than ", kMaxFileBytes >> 20, " MiB"));
    return;
  }
  if (text.rfind("\xEF\xBB\xBF", 0) == 0) text.erase(0, 3);  // a byte order mark
  const std::uint32_t file = diagnostics.add_file(text, filename);
  std::string().swap(text);
  if (!check_bytes(file, diagnostics)) return;

  const std::size_t errors_before = diagnostics.error_count();
  Parser parser(file, &diagnostics);
  Elaborator elaborator(&diagnostics);
  while (std::optional<Statement> statement = parser.next()) elaborator.add(std::move(*statement));
  std::vector<GraphDraft> graphs = elaborator.finish();
  if (graphs.empty() && diagnostics.error_count() == errors_before) {
    diagnostics.set_origin(filename);
    diagnostics.error(Code::no_layers, {}, "this file holds no layers");
  }
  for (GraphDraft& graph : graphs) module->graphs.push_back(std::move(graph));
}

// The library's name; reported when it cannot be used, and then still good for going on.
std::string name_library(const std::string& given, const std::string& filename, bool several,
                         Diagnostics& diagnostics) {
  if (!given.empty()) {
    diagnostics.set_origin("--name");
    check_name(given, "the library's name", Code::library_name, {}, "use --name ", diagnostics);
    return given;
  }
  if (several) {
    diagnostics.set_origin("convc");
    diagnostics.error(Code::name_needed, {}, "several files make one library, which needs a name");
    return "library";
  }
  const std::string stem = llvm::sys::path::stem(filename).str();
  diagnostics.set_origin(filename);
  check_name(stem, "the library's name, from the file,", Code::library_name, {}, "add --name ",
             diagnostics);
  return stem;
}

}  // namespace

std::optional<Module> load_spec_files(const std::vector<std::string>& paths,
                                      const std::string& library_name, Diagnostics& diagnostics) {
  const std::size_t errors_before = diagnostics.error_count();
  ModuleDraft draft;
  draft.name =
      name_library(library_name, paths.empty() ? "" : paths.front(), paths.size() > 1, diagnostics);
  for (const std::string& path : paths) {
    std::optional<std::string> text = read_file(path, diagnostics);
    if (text) read_drafts(std::move(*text), path, &draft, diagnostics);
  }
  std::optional<Module> module = check_module(draft, diagnostics);
  if (diagnostics.error_count() != errors_before) return std::nullopt;
  return module;
}

std::optional<Module> load_spec_text(std::string text, const std::string& filename,
                                     const std::string& library_name, Diagnostics& diagnostics) {
  const std::size_t errors_before = diagnostics.error_count();
  ModuleDraft draft;
  draft.name = name_library(library_name, filename, false, diagnostics);
  read_drafts(std::move(text), filename, &draft, diagnostics);
  std::optional<Module> module = check_module(draft, diagnostics);
  if (diagnostics.error_count() != errors_before) return std::nullopt;
  return module;
}

}  // namespace convc
