#include "generators/driver/bench_session.h"

#include <benchmark/benchmark.h>
#include <llvm/Support/LineIterator.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/TargetParser/Host.h>

#include <cctype>
#include <map>
#include <optional>

#include "generators/driver/peer.h"
#include "generators/driver/size_cases.h"
#include "generators/driver/table.h"

namespace convc {
namespace {

using LimitsKey = std::pair<std::string, unsigned>;  // ISA, threads
using Limits = std::map<LimitsKey, MachineLimits>;

void add_context(const MachineLimits& limits, const std::string& suffix) {
  benchmark::AddCustomContext("fma_peak_gflops" + suffix, significant(limits.peak_gflops, 5));
  for (const MemoryLevel& level : limits.levels)
    benchmark::AddCustomContext("bandwidth_" + level.name + "_gbytes" + suffix,
                                significant(level.read_gbytes, 5));
}

/// The peers that run, one process of each per thread count.
class PeerGroup {
 public:
  PeerGroup(const std::vector<std::string>& names, const std::vector<BenchCase>& cases) {
    for (const BenchCase& bench : cases) {
      if (running_.count(bench.threads) != 0) continue;
      std::vector<std::unique_ptr<Peer>>& peers = running_[bench.threads];
      for (const std::string& name : names) {
        std::string why_not;
        std::unique_ptr<Peer> peer = Peer::start(name, bench.threads, &why_not);
        if (!peer) {
          print_skipped(name, "", why_not);
          continue;
        }
        if (running_.size() == 1) benchmark::AddCustomContext("peer_" + name, peer->version());
        peers.push_back(std::move(peer));
      }
    }
  }

  /// Those that are prepared for the layer.
  std::vector<Peer*> ready_for(const BenchCase& bench) {
    std::vector<Peer*> ready;
    for (const std::unique_ptr<Peer>& peer : running_.at(bench.threads)) {
      std::string why_not = "it is no single convolution with at most a ReLU";
      if (!bench.peer_request.empty() && peer->prepare(bench.peer_request, &why_not))
        ready.push_back(peer.get());
      else
        print_skipped(peer->name(), " for " + bench.name, why_not);
    }
    return ready;
  }

 private:
  static void print_skipped(const std::string& peer, const std::string& what,
                            const std::string& why_not) {
    llvm::errs() << "skipped peer " << peer << what << ": " << why_not << '\n';
  }

  std::map<unsigned, std::vector<std::unique_ptr<Peer>>> running_;  // by threads
};

/// One kernel is in memory at a time. Google Benchmark calls a function several times while it
/// looks for the number of iterations; kernel and rounds are kept between these calls.
class Stage {
 public:
  Stage(const std::vector<std::unique_ptr<LoadedLibrary>>& libraries, const Limits& limits,
        PeerGroup& peers, unsigned rounds)
      : libraries_(libraries), limits_(limits), peers_(peers), rounds_(rounds) {}

  void run(benchmark::State& state, const BenchCase& bench) {
    if (current_ != &bench) enter(bench);
    for ([[maybe_unused]] auto iteration : state) kernel_->call();
    // Google Benchmark's own time is a mean, which one stall of a shared machine can double.
    state.counters["median_ms"] = measured_.seconds * 1e3;
    state.counters["gflops"] = bench.work.flops / measured_.seconds / 1e9;
    state.counters["peak_fraction"] = measured_.peak_fraction;
    state.counters["roofline_fraction"] = measured_.roofline_fraction;
    if (time_over_fixed_) state.counters["time_over_fixed"] = *time_over_fixed_;
    for (const PeerRatio& peer : measured_.peers) {
      state.counters["over_" + peer.peer] = peer.ratio();
      for (const auto& [form, ratio] : peer.forms)
        state.counters["over_" + peer.peer + "/" + form] = ratio;
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * bench.work.bytes);
    std::string label = bench.label + " " + measured_.level;
    for (const PeerRatio& peer : measured_.peers) label += "; " + peer.peer + ": " + peer.fastest;
    state.SetLabel(label);
  }

 private:
  void enter(const BenchCase& bench) {
    kernel_.reset();  // before the next one is allocated
    const convc_kernel& kernel = *libraries_[bench.library]->kernel(bench.graph);
    kernel_.emplace(kernel, bench.isa, bench.threads,
                    open_sizes_of(kernel, *bench.written, bench.sizes));
    measured_ = measure(*kernel_, bench.work, limits_.at({bench.isa, bench.threads}), rounds_,
                        peers_.ready_for(bench));
    time_over_fixed_.reset();
    if (bench.fixed_kernel) {
      const auto [library, graph] = *bench.fixed_kernel;
      PreparedKernel fixed(*libraries_[library]->kernel(graph), bench.isa, bench.threads);
      time_over_fixed_ = time_ratio(*kernel_, fixed, rounds_);
    }
    current_ = &bench;
  }

  const std::vector<std::unique_ptr<LoadedLibrary>>& libraries_;
  const Limits& limits_;
  PeerGroup& peers_;
  unsigned rounds_;
  const BenchCase* current_ = nullptr;
  std::optional<PreparedKernel> kernel_;
  Measurement measured_;
  std::optional<double> time_over_fixed_;
};

/// As the processor says itself, else LLVM's name of its kind.
std::string processor_name() {
  constexpr llvm::StringRef kField = "model name";
  if (const auto text = llvm::MemoryBuffer::getFileAsStream("/proc/cpuinfo")) {
    for (llvm::line_iterator line(**text); !line.is_at_eof(); ++line)
      if (line->starts_with(kField)) return line->split(':').second.trim().str();
  }
  return llvm::sys::getHostCPUName().str();
}

void initialize_library(const BenchSettings& settings) {
  // Google Benchmark keeps the pointer to the program's name for ever.
  static char program[] = "convc";
  std::string min_time = "--benchmark_min_time=" + std::to_string(settings.min_time_seconds);
  std::string format = std::string("--benchmark_format=") + (settings.json ? "json" : "console");
  char* arguments[] = {program, min_time.data(), format.data(), nullptr};
  int count = 3;
  benchmark::Initialize(&count, arguments);
}

}  // namespace

void run_benchmarks(const std::vector<BenchCase>& cases,
                    const std::vector<std::unique_ptr<LoadedLibrary>>& libraries,
                    const BenchSettings& settings) {
  Limits limits;
  for (const BenchCase& bench : cases) {
    const auto [place, is_new] =
        limits.try_emplace(LimitsKey{bench.isa, bench.threads}, bench.isa, bench.threads);
    if (!is_new) continue;
    if (limits.size() == 1) add_context(place->second, "");
    add_context(place->second, "/" + bench.isa + "/threads:" + std::to_string(bench.threads));
  }
  benchmark::AddCustomContext("processor", processor_name());
  benchmark::AddCustomContext("accuracy", settings.accuracy);
  initialize_library(settings);
  PeerGroup peers(settings.peers, cases);
  Stage stage(libraries, limits, peers, settings.rounds);
  for (const BenchCase& bench : cases)
    benchmark::RegisterBenchmark(bench.name.c_str(), [&stage, &bench](benchmark::State& state) {
      stage.run(state, bench);
    })->UseRealTime();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}

}  // namespace convc
