// Renames, localizes and checks the symbols of an object with llvm-objcopy's library.
#include "generators/emit/object_symbols.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/ObjCopy/ConfigManager.h>
#include <llvm/ObjCopy/ObjCopy.h>
#include <llvm/Object/ELFObjectFile.h>
#include <llvm/Object/ObjectFile.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>
#include <memory>
#include <set>

#include "generators/emit/internal_error.h"

namespace convc {
namespace {

constexpr std::string_view kHalidePrefix = "halide_";
constexpr std::string_view kRuntimePrefix = "convc_rt_";

std::string text_of(llvm::Error error) {
  return llvm::toString(std::move(error));
}

template <typename T>
T take(llvm::Expected<T> value, const char* doing) {
  if (!value) throw InternalError(std::string(doing) + ": " + text_of(value.takeError()));
  return std::move(*value);
}

bool starts_with(llvm::StringRef text, std::string_view prefix) {
  return text.starts_with(llvm::StringRef(prefix.data(), prefix.size()));
}

bool is_allowed_undefined(const std::string& name) {
  if (starts_with(name, kRuntimePrefix)) {
    const auto& known = runtime_entry_points();
    return std::find(known.begin(), known.end(), name.substr(kRuntimePrefix.size())) != known.end();
  }
  // The instrumentation of the targets' asan, tsan and msan features.
  for (const char* prefix : {"__asan_", "__tsan_", "__msan_"}) {
    if (starts_with(name, prefix)) return true;
  }
  const auto& known = libc_functions();
  return std::find(known.begin(), known.end(), name) != known.end();
}

/// The names of global symbols, by whether the object defines them.
struct GlobalSymbols {
  std::set<std::string> defined;
  std::set<std::string> undefined;
};

GlobalSymbols global_symbols(const llvm::object::ObjectFile& object) {
  GlobalSymbols symbols;
  for (const llvm::object::SymbolRef& symbol : object.symbols()) {
    const std::uint32_t flags = take(symbol.getFlags(), "reading a symbol");
    if ((flags & llvm::object::SymbolRef::SF_Global) == 0) continue;
    std::string name = take(symbol.getName(), "reading a symbol's name").str();
    if (name.empty()) continue;
    const bool is_undefined = (flags & llvm::object::SymbolRef::SF_Undefined) != 0;
    (is_undefined ? symbols.undefined : symbols.defined).insert(std::move(name));
  }
  return symbols;
}

std::unique_ptr<llvm::object::ObjectFile> open_object(std::string_view bytes) {
  const llvm::MemoryBufferRef buffer(llvm::StringRef(bytes.data(), bytes.size()), "kernel");
  return take(llvm::object::ObjectFile::createObjectFile(buffer), "reading a kernel's object");
}

/// Keeps a reference to `name`.
void match(llvm::objcopy::NameMatcher& matcher, llvm::StringRef name) {
  using namespace llvm::objcopy;
  auto pattern =
      NameOrPattern::create(name, MatchStyle::Literal, [](llvm::Error error) { return error; });
  if (llvm::Error error = matcher.addMatcher(std::move(pattern))) {
    throw InternalError("matching a symbol: " + text_of(std::move(error)));
  }
}

std::string rewrite(llvm::object::ObjectFile& object, const GlobalSymbols& symbols,
                    const std::string& entry) {
  llvm::objcopy::ConfigManager config;
  config.Common.InputFormat = llvm::objcopy::FileFormat::ELF;
  config.Common.OutputFormat = llvm::objcopy::FileFormat::ELF;
  match(config.Common.ToRemove, ".comment");
  match(config.Common.SymbolsToKeepGlobal, entry);
  match(config.Common.SymbolsToWeaken, entry);
  llvm::objcopy::NameMatcher hidden;
  match(hidden, entry);
  config.ELF.SymbolsToSetVisibility.emplace_back(std::move(hidden), llvm::ELF::STV_HIDDEN);

  std::vector<std::string> new_names;  // the configuration keeps references
  new_names.reserve(symbols.undefined.size());
  for (const std::string& name : symbols.undefined) {
    if (!starts_with(name, kHalidePrefix)) continue;
    new_names.push_back(std::string(kRuntimePrefix) + name.substr(kHalidePrefix.size()));
    config.Common.SymbolsToRename[name] = new_names.back();
  }
  llvm::SmallVector<char, 0> output;
  llvm::raw_svector_ostream stream(output);
  if (llvm::Error error = llvm::objcopy::executeObjcopyOnBinary(config, object, stream)) {
    throw InternalError("rewriting a kernel's symbols: " + text_of(std::move(error)));
  }
  return {output.data(), output.size()};
}

std::int64_t code_size(const llvm::object::ObjectFile& object) {
  std::uint64_t bytes = 0;
  for (const llvm::object::SectionRef& section : object.sections()) {
    if (section.isText()) bytes += section.getSize();
  }
  return static_cast<std::int64_t>(bytes);
}

}  // namespace

const std::vector<std::string>& runtime_entry_points() {
  static const std::vector<std::string> names = {
      "malloc",
      "free",
      "do_par_for",
      "error_out_of_memory",
      "msan_check_memory_is_initialized",
      "msan_check_buffer_is_initialized",
      "msan_annotate_memory_is_initialized",
      "msan_annotate_buffer_is_initialized",
      "msan_annotate_buffer_is_initialized_as_destructor"};
  return names;
}

const std::vector<std::string>& libc_functions() {
  // What LLVM makes of Halide's f32 maths, and of loops that copy or fill memory.
  static const std::vector<std::string> names = {
      "memcpy", "memmove", "memset", "expf",  "logf",  "powf",  "sqrtf",     "sinf",   "cosf",
      "tanf",   "asinf",   "acosf",  "atanf", "sinhf", "coshf", "tanhf",     "floorf", "ceilf",
      "truncf", "roundf",  "fmodf",  "fmaf",  "fminf", "fmaxf", "nearbyintf"};
  return names;
}

SealedObject seal_object(std::string_view bytes, const std::string& entry) {
  const auto original = open_object(bytes);
  const GlobalSymbols before = global_symbols(*original);
  if (before.defined.count(entry) == 0) {
    throw InternalError("the kernel's object does not define `" + entry + "`");
  }
  SealedObject sealed;
  sealed.object = rewrite(*original, before, entry);

  const auto result = open_object(sealed.object);
  const GlobalSymbols after = global_symbols(*result);
  if (after.defined.size() != 1) {
    throw InternalError("the kernel's object defines more than its entry");
  }
  for (const std::string& name : after.undefined) {
    if (!is_allowed_undefined(name)) {
      throw InternalError("the kernel's code calls `" + name + "`, which no library provides");
    }
  }
  sealed.code_bytes = code_size(*result);
  return sealed;
}

}  // namespace convc
