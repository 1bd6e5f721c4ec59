#include "generators/driver/version.h"

#include <llvm/Config/llvm-config.h>

#include "convc/convc.h"
#include "generators/emit/identity.h"

namespace convc {

std::string version_text() {
  return std::string("convc ") + convc_version() + " (build " + build_id() + ")\nHalide " +
         halide_version() + "\nLLVM " + LLVM_VERSION_STRING + "\n";
}

}  // namespace convc
