// Plans to kernels to a library: names every kernel, takes what the cache has, compiles the rest in
// workers, and puts the objects together.
#include "generators/emit/compile.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "dsl/printer.h"
#include "generators/emit/c_header.h"
#include "generators/emit/compile_kernel.h"
#include "generators/emit/descriptor_object.h"
#include "generators/emit/identity.h"
#include "generators/emit/input_error.h"
#include "generators/emit/internal_error.h"
#include "generators/emit/kernel_cache.h"
#include "generators/emit/kernel_record.h"
#include "generators/emit/manifest.h"
#include "generators/emit/names.h"
#include "generators/kernels/kernel.h"
#include "generators/plan/lowering.h"
#include "generators/plan/planner.h"

namespace convc {
namespace {

/// A kernel to be had, once for all places of the module that need it.
struct KernelJob {
  std::string symbol;
  const LayerSpec* layer = nullptr;
  const Plan* plan = nullptr;
  const TargetInfo* target = nullptr;
};

/// Sets `order` to the positions of `targets`, best first. False, with an error told, when they
/// cannot share a library.
bool order_targets(const std::vector<TargetInfo>& targets, std::vector<std::size_t>& order,
                   Diagnostics& diagnostics) {
  std::map<std::string, const TargetInfo*> by_isa;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const TargetInfo& target = targets[i];
    if (target.triple != targets[0].triple) {
      diagnostics
          .error(Code::none, {},
                 "one library cannot hold code for both `" + targets[0].text + "` and `" +
                     target.text + "`")
          .help("compile a library for each architecture");
      return false;
    }
    const auto [before, fresh] = by_isa.emplace(target.machine.isa, &target);
    if (!fresh) {
      diagnostics
          .error(Code::none, {}, "two targets are both variants for `" + target.machine.isa + "`")
          .note("`" + before->second->text + "` and `" + target.text + "`")
          .help("a program chooses among variants by this name; give one target of each");
      return false;
    }
    order.push_back(i);
  }
  // The first variant a processor can run is taken, so the more demanding one comes first.
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const Machine& left = targets[a].machine;
    const Machine& right = targets[b].machine;
    if (left.f32_lanes != right.f32_lanes) return left.f32_lanes > right.f32_lanes;
    return __builtin_popcountll(targets[a].cpu_features) >
           __builtin_popcountll(targets[b].cpu_features);
  });
  return true;
}

/// Halide reads these variables, and what comes out must not depend on those of the user. Innermost
/// loops begin at multiples of 64 bytes (2 to the power of 6): the loop over taps is some 100
/// bytes, and where it lies across one more line of code, a processor that fetches a line a cycle
/// and shares its front end with another thread needs up to 1.4 times as long.
void set_halide_environment(const std::string& options_of_kernel) {
  std::vector<std::string> names;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (std::strncmp(*entry, "HL_", 3) == 0) {
      names.emplace_back(*entry, std::strcspn(*entry, "="));
    }
  }
  for (const std::string& name : names) ::unsetenv(name.c_str());
  const std::string options =
      "-x86-experimental-pref-innermost-loop-alignment=6" + options_of_kernel;
  ::setenv("HL_LLVM_ARGS", options.c_str(), /*replace=*/1);
}

/// The work of one worker process.
std::string compile_to_record(const KernelJob& job) {
  set_halide_environment(llvm_options(*job.layer, *job.plan, job.target->machine));
  return to_record(compile_kernel(*job.layer, *job.plan, job.target->text, job.symbol));
}

/// The beginning of what a worker printed, where the cause stands.
std::string shortened(const std::string& log) {
  constexpr std::size_t kMaxLength = 1000;
  return log.size() <= kMaxLength ? log : log.substr(0, kMaxLength) + "...";
}

class Compilation {
 public:
  Compilation(const Module& module, const std::vector<TargetInfo>& targets,
              const ModulePlans& plans, const CompileOptions& options, Diagnostics& diagnostics)
      : module_(module),
        lowered_(lower(module)),
        targets_(targets),
        plans_(plans),
        options_(options),
        diagnostics_(diagnostics) {
    if (options.cache_directory) cache_.emplace(*options.cache_directory);
  }

  CompileResult run() {
    if (!order_targets(targets_, order_, diagnostics_)) return {std::nullopt, Failure::input};
    list_jobs();
    take_from_cache();
    if (const std::optional<Failure> failure = compile_missing()) return {std::nullopt, *failure};
    if (failed_) return {std::nullopt, Failure::internal};
    finish_cache();
    return {assemble(), Failure::internal};
  }

 private:
  void list_jobs() {
    for (std::size_t graph = 0; graph < lowered_.graphs.size(); ++graph) {
      for (std::size_t target = 0; target < targets_.size(); ++target) {
        const auto& nodes = lowered_.graphs[graph].nodes;
        for (std::size_t node = 0; node < nodes.size(); ++node) {
          const Plan& plan = plans_.at(graph).at(target).at(node);
          KernelJob job{kernel_symbol(nodes[node].layer, plan, targets_[target].text),
                        &nodes[node].layer, &plan, &targets_[target]};
          symbols_[{graph, target, node}] = job.symbol;
          if (known_.insert(job.symbol).second) missing_.push_back(std::move(job));
        }
      }
    }
  }

  void report_progress(const KernelJob& job) const {
    if (options_.progress) options_.progress(kernels_.size(), known_.size(), job.layer->name);
  }

  void take_from_cache() {
    if (!cache_) return;
    std::vector<KernelJob> still_missing;
    for (KernelJob& job : missing_) {
      if (std::optional<KernelObject> kernel = cache_->load(job.symbol)) {
        kernels_.emplace(job.symbol, std::move(*kernel));
        report_progress(job);
      } else {
        still_missing.push_back(std::move(job));
      }
    }
    missing_ = std::move(still_missing);
  }

  std::optional<Failure> compile_missing() {
    std::string error;
    const std::optional<Failure> failure = run_workers(
        missing_.size(), options_.workers,
        [this](std::size_t index) { return compile_to_record(missing_[index]); },
        [this](std::size_t index, WorkerResult result) { take_result(missing_[index], result); },
        &error);
    if (failure == Failure::environment)
      diagnostics_.error(Code::none, {}, error).help(kTooManyProcesses);
    return failure;
  }

  void take_result(const KernelJob& job, WorkerResult& result) {
    if (result.done) {
      if (std::optional<KernelObject> kernel = parse_record(result.bytes)) {
        if (cache_) cache_->store(*kernel);
        kernels_.emplace(job.symbol, std::move(*kernel));
        report_progress(job);
        return;
      }
      result.error = "its answer is damaged";
    }
    failed_ = true;
    report_broken_kernel(job, result);
  }

  void report_broken_kernel(const KernelJob& job, const WorkerResult& result) {
    Diagnostic& error = diagnostics_.error(
        Code::none, diagnostics_.range_at(job.layer->location),
        "internal error: layer `" + job.layer->name + "` cannot be compiled for `" +
            job.target->machine.isa + "`; this is a bug in convc");
    error.note(result.error);
    if (!result.log.empty()) error.note("it said: " + shortened(result.log));
    error.note("the layer: " + layer_to_spec_line(*job.layer));
    error.note("the plan: " + to_text(*job.plan));
    error.note("the target: " + job.target->text);
    error.help("report it with these lines; --schedule naive may do until it is mended");
  }

  void finish_cache() {
    if (!cache_) return;
    cache_->trim();
    if (!cache_->warning().empty())
      diagnostics_.warning(Code::none, {}, cache_->warning())
          .help("--cache DIR names another folder, --no-cache does without");
  }

  Artifact assemble() {
    Artifact artifact;
    artifact.library_name = module_.name;
    artifact.accuracy = options_.accuracy;
    artifact.module = module_;
    artifact.lowered = lowered_;
    for (const TargetInfo& target : targets_) artifact.targets.push_back(target.text);
    std::vector<KernelLayouts> layouts;
    for (std::size_t graph = 0; graph < lowered_.graphs.size(); ++graph) {
      layouts.push_back(assemble_graph(graph, artifact));
    }
    for (const auto& [symbol, kernel] : kernels_) {
      artifact.members.emplace_back(symbol + ".o", kernel.object);
    }
    artifact.header = c_header(artifact, layouts);
    artifact.manifest = manifest(artifact, layouts);
    return artifact;
  }

  KernelLayouts assemble_graph(std::size_t graph, Artifact& artifact) {
    const Graph& description = lowered_.graphs[graph];
    KernelLayouts layouts;
    try {
      layouts.interface = interface_of(module_.graphs[graph], description);
      lay_out_targets(graph, artifact, layouts);
    } catch (const InputError& error) {
      const Graph& written = module_.graphs[graph];
      throw InputError("`" + written.name + "`: " + error.what(), error.help());
    }
    std::vector<VariantLayout> best_first;
    for (std::size_t target : order_) best_first.push_back(layouts.variants[target]);
    const std::string prefix = kernel_prefix(module_, description);
    artifact.members.emplace_back(prefix + ".o", descriptor_object(prefix, layouts.interface,
                                                                   best_first, targets_[0].triple));
    return layouts;
  }

  void lay_out_targets(std::size_t graph, Artifact& artifact, KernelLayouts& layouts) {
    const Graph& description = lowered_.graphs[graph];
    auto& layers = artifact.layers.emplace_back();
    for (std::size_t target = 0; target < targets_.size(); ++target) {
      const TargetInfo& info = targets_[target];
      auto& nodes = layers.emplace_back();
      for (std::size_t node = 0; node < description.nodes.size(); ++node) {
        nodes.push_back({info.text, info.machine.isa, plans_[graph][target][node],
                         kernels_.at(symbols_.at({graph, target, node}))});
      }
      layouts.variants.push_back(lay_out(description, layouts.interface, info, nodes));
      for (const ConstantData& constant : layouts.variants.back().constants) {
        if (!constants_.insert(constant.symbol).second) continue;
        artifact.members.emplace_back(constant.symbol + ".o",
                                      constant_object(constant, info.triple));
      }
    }
  }

  const Module& module_;
  const Module lowered_;
  const std::vector<TargetInfo>& targets_;
  const ModulePlans& plans_;
  const CompileOptions& options_;
  Diagnostics& diagnostics_;
  std::optional<KernelCache> cache_;
  std::vector<std::size_t> order_;                             // of targets, best first
  std::map<std::array<std::size_t, 3>, std::string> symbols_;  // by graph, target, node
  std::set<std::string> known_;
  std::vector<KernelJob> missing_;
  std::map<std::string, KernelObject> kernels_;  // by symbol
  std::set<std::string> constants_;
  bool failed_ = false;
};

}  // namespace

ModulePlans automatic_plans(const Module& module, const std::vector<TargetInfo>& targets) {
  ModulePlans plans;
  for (const Graph& graph : lower(module).graphs) {
    auto& of_graph = plans.emplace_back();
    for (const TargetInfo& target : targets) {
      auto& of_target = of_graph.emplace_back();
      for (const Node& node : graph.nodes) {
        of_target.push_back(make_plan(node.layer, target.machine));
      }
    }
  }
  return plans;
}

CompileResult compile_module(const Module& module, const std::vector<TargetInfo>& targets,
                             const ModulePlans& plans, const CompileOptions& options,
                             Diagnostics& diagnostics) {
  try {
    return Compilation(module, targets, plans, options, diagnostics).run();
  } catch (const InputError& error) {
    diagnostics.error(Code::none, {}, error.what()).help(error.help());
    return {std::nullopt, Failure::input};
  } catch (const InternalError& error) {
    diagnostics
        .error(Code::none, {},
               "internal error: library `" + module.name + "`: " + error.what() +
                   "; this is a bug in convc")
        .help("report it with the spec file and the targets");
    return {std::nullopt, Failure::internal};
  }
}

}  // namespace convc
