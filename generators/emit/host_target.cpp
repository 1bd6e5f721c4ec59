// Reads target strings through Halide::Target and maps their features to the runtime's CPU bits.
#include "generators/emit/host_target.h"

#include <Halide.h>

#include <algorithm>
#include <array>

#include "convc/kernel_abi.h"

namespace convc {
namespace {

using Halide::Target;

/// What -mcpu=haswell, and every later processor's name that Halide hands to LLVM, adds to the
/// vector instructions.
constexpr std::uint64_t kAvx2 = CONVC_CPU_SSE41 | CONVC_CPU_AVX | CONVC_CPU_F16C | CONVC_CPU_FMA |
                                CONVC_CPU_AVX2 | CONVC_CPU_POPCNT | CONVC_CPU_MOVBE |
                                CONVC_CPU_LZCNT | CONVC_CPU_BMI1 | CONVC_CPU_BMI2;
constexpr std::uint64_t kAvx512 = kAvx2 | CONVC_CPU_AVX512F | CONVC_CPU_AVX512CD;
constexpr std::uint64_t kSkylake =
    kAvx512 | CONVC_CPU_AVX512VL | CONVC_CPU_AVX512DQ | CONVC_CPU_AVX512BW;
constexpr std::uint64_t kCannonlake = kSkylake | CONVC_CPU_AVX512IFMA | CONVC_CPU_AVX512VBMI;
constexpr std::uint64_t kZen4 = kCannonlake | CONVC_CPU_AVX512VBMI2 | CONVC_CPU_AVX512VNNI |
                                CONVC_CPU_AVX512BITALG | CONVC_CPU_AVX512VPOPCNTDQ |
                                CONVC_CPU_AVX512BF16;

/// A feature that a target string may have, with the processor features its code needs.
struct KnownFeature {
  Target::Feature feature;
  std::uint64_t cpu_features;
};

constexpr auto kX86Features = std::to_array<KnownFeature>({
    {Target::SSE41, CONVC_CPU_SSE41},
    {Target::AVX, CONVC_CPU_SSE41 | CONVC_CPU_AVX},
    {Target::F16C, CONVC_CPU_F16C},
    {Target::FMA, CONVC_CPU_FMA},
    {Target::AVX2, kAvx2},
    {Target::AVXVNNI, CONVC_CPU_AVXVNNI},
    {Target::AVX512, kAvx512},
    {Target::AVX512_Skylake, kSkylake},
    {Target::AVX512_Cannonlake, kCannonlake},
    {Target::AVX512_Zen4, kZen4},
    {Target::AVX512_Zen5, kZen4 | CONVC_CPU_AVXVNNI},
    {Target::AVX512_SapphireRapids, kZen4 | CONVC_CPU_AVXVNNI | CONVC_CPU_AVX512FP16},
});

constexpr auto kArmFeatures = std::to_array<Target::Feature>(
    {Target::ARMDotProd, Target::ARMFp16, Target::ARMv8a, Target::ARMv81a, Target::ARMv82a,
     Target::ARMv83a, Target::ARMv84a, Target::ARMv85a, Target::ARMv86a, Target::ARMv87a,
     Target::ARMv88a, Target::ARMv89a});

/// Change how code is made, not where it runs.
constexpr auto kNeutralFeatures = std::to_array<Target::Feature>(
    {Target::StrictFloat, Target::EnableLLVMLoopOpt, Target::ASAN, Target::TSAN, Target::MSAN});

/// Set for every kernel (kernels/kernel.h), so a string that has them says nothing new.
constexpr auto kImpliedFeatures = std::to_array<Target::Feature>(
    {Target::NoRuntime, Target::NoAsserts, Target::NoBoundsQuery, Target::UserContext});

template <typename List>
bool contains(const List& list, Target::Feature feature) {
  return std::find(list.begin(), list.end(), feature) != list.end();
}

/// The CPU bits of an x86 feature; nullopt when convc does not support it.
std::optional<std::uint64_t> cpu_features_of(Target::Feature feature) {
  for (const KnownFeature& known : kX86Features) {
    if (known.feature == feature) return known.cpu_features;
  }
  return std::nullopt;
}

std::string triple_of(const Target& target) {
  return target.arch == Target::X86 ? "x86_64-unknown-linux-gnu" : "aarch64-unknown-linux-gnu";
}

/// Collects the CPU bits of all features; false and `*error` at the first one that is refused.
bool read_features(const Target& target, TargetInfo& info, std::string* error) {
  for (int index = 0; index < Target::FeatureEnd; ++index) {
    const auto feature = static_cast<Target::Feature>(index);
    if (!target.has_feature(feature) || contains(kNeutralFeatures, feature)) continue;
    const std::optional<std::uint64_t> bits =
        target.arch == Target::X86 ? cpu_features_of(feature) : std::nullopt;
    if (bits) {
      info.cpu_features |= *bits;
    } else if (target.arch != Target::ARM || !contains(kArmFeatures, feature)) {
      *error = "target feature `" + Target::feature_to_name(feature) + "` is not supported yet";
      return false;
    }
  }
  return true;
}

}  // namespace

std::string host_target() {
  // Halide goes by a few bits of the model. A hypervisor may hide others from its guests.
  Target host = Halide::get_host_target();
  for (const KnownFeature& known : kX86Features) {
    if ((known.cpu_features & ~convc_cpu_features()) == 0) continue;
    host.set_feature(known.feature, false);
  }
  return host.to_string();
}

std::optional<TargetInfo> describe_target(std::string_view text, std::string* error) {
  std::string expanded = expand_target_alias(text);
  if (text == "host" || text.starts_with("host-")) {
    expanded = host_target() + expanded.substr(std::string_view("host").size());
  }
  if (expanded.empty() || !Target::validate_target_string(expanded)) {
    *error = "`" + std::string(text) + "` is not a Halide target string";
    return std::nullopt;
  }
  Target target(expanded);
  for (Target::Feature feature : kImpliedFeatures) target.set_feature(feature, false);
  const bool known_machine =
      (target.arch == Target::X86 || target.arch == Target::ARM) && target.bits == 64;
  if (!known_machine || target.os != Target::Linux) {
    *error = "`" + target.to_string() +
             "` is not supported yet; convc compiles for x86-64-linux and arm-64-linux";
    return std::nullopt;
  }
  TargetInfo info;
  info.text = target.to_string();
  info.triple = triple_of(target);
  if (!read_features(target, info, error)) return std::nullopt;
  std::optional<Machine> machine = machine_for_target(info.text, error);
  if (!machine) return std::nullopt;
  info.machine = *machine;
  return info;
}

std::string why_target_cannot_run_here(const TargetInfo& target) {
  const Target host(host_target());
  const Target wanted(target.text);
  if (wanted.arch != host.arch || wanted.bits != host.bits || wanted.os != host.os) {
    return "code for `" + target.text + "` cannot run on this machine, `" + host.to_string() + "`";
  }
  if ((target.cpu_features & ~convc_cpu_features()) != 0) {
    return "this processor, `" + host.to_string() + "`, lacks instructions of `" + target.text +
           "`";
  }
  return {};
}

}  // namespace convc
