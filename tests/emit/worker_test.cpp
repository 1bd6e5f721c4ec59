// Workers: every way a child can end becomes a result.
#include "generators/emit/worker.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <map>
#include <stdexcept>
#include <thread>

namespace convc {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

using Work = std::function<std::string(std::size_t)>;

struct Outcome {
  std::optional<Failure> failure;
  std::map<std::size_t, WorkerResult> results;
  std::string error;
};

Outcome run(std::size_t count, const Work& work, const WorkerLimits& limits = {}) {
  Outcome outcome;
  outcome.failure = run_workers(
      count, limits, work,
      [&](std::size_t index, WorkerResult result) {
        const bool is_first = outcome.results.emplace(index, std::move(result)).second;
        REQUIRE(is_first);
      },
      &outcome.error);
  return outcome;
}

/// True when this process has no child, running or waiting to be reaped.
bool has_no_children() {
  return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
}

WorkerResult run_one(const Work& work, const WorkerLimits& limits = {}) {
  Outcome outcome = run(1, work, limits);
  REQUIRE_FALSE(outcome.failure.has_value());
  REQUIRE(outcome.results.size() == 1);
  CHECK(has_no_children());
  return outcome.results[0];
}

TEST_CASE("every job answers, whatever the number of workers", "[worker]") {
  const unsigned jobs = GENERATE(1u, 3u, 64u);
  WorkerLimits limits;
  limits.jobs = jobs;
  const Outcome outcome = run(
      20, [](std::size_t index) { return std::string(index * 50'000, 'x'); }, limits);
  REQUIRE_FALSE(outcome.failure.has_value());
  REQUIRE(outcome.results.size() == 20);
  for (const auto& [index, result] : outcome.results) {
    CHECK(result.done);
    CHECK(result.bytes == std::string(index * 50'000, 'x'));
  }
  CHECK(has_no_children());
}

TEST_CASE("no jobs, no work", "[worker]") {
  CHECK(
      run(0, [](std::size_t) -> std::string { throw std::logic_error("called"); }).results.empty());
}

TEST_CASE("an exception's text comes back", "[worker]") {
  const WorkerResult result =
      run_one([](std::size_t) -> std::string { throw std::runtime_error("no good"); });
  CHECK_FALSE(result.done);
  CHECK(result.error == "no good");
}

TEST_CASE("a crash names its signal and keeps what was printed", "[worker]") {
  const WorkerResult result = run_one([](std::size_t) -> std::string {
    std::fputs("last words\n", stderr);
    ::raise(SIGSEGV);
    return "unreachable";
  });
  CHECK_FALSE(result.done);
  CHECK(result.error == "it was ended by a signal: Segmentation fault");
  CHECK(result.log.find("last words") != std::string::npos);
}

TEST_CASE("an abort is no abort of ours", "[worker]") {
  const WorkerResult result = run_one([](std::size_t) -> std::string { std::abort(); });
  CHECK(result.error == "it was ended by a signal: Aborted");
}

TEST_CASE("an early exit is told", "[worker]") {
  const WorkerResult result = run_one([](std::size_t) -> std::string { ::_exit(3); });
  CHECK(result.error == "it ended without an answer, with status 3");
}

TEST_CASE("memory is limited", "[worker]") {
  if (kSanitized) {
    WARN("skipped: a sanitizer's allocator ends the process instead of throwing bad_alloc");
    return;
  }
  WorkerLimits limits;
  limits.memory_bytes = 64 << 20;
  const WorkerResult result = run_one(
      [](std::size_t) { return std::to_string(std::string(std::size_t{1} << 30, 'x').size()); },
      limits);
  CHECK(result.error == "it needs more memory than it may use");
}

TEST_CASE("time is limited", "[worker]") {
  WorkerLimits limits;
  limits.seconds = 0.2;
  const WorkerResult result = run_one(
      [](std::size_t) -> std::string {
        for (;;) ::pause();
      },
      limits);
  CHECK(result.error.find("it took longer than") == 0);
}

TEST_CASE("a chatty worker neither blocks nor fills memory", "[worker]") {
  const WorkerResult result = run_one([](std::size_t) {
    const std::string line(1 << 16, 'y');
    for (int i = 0; i < 64; ++i) std::fwrite(line.data(), 1, line.size(), stdout);
    return std::string("ok");
  });
  CHECK(result.bytes == "ok");
  CHECK(result.log.size() == 64 * 1024);
}

TEST_CASE("a signal stops the workers and is remembered", "[worker]") {
  const int signal = GENERATE(SIGINT, SIGTERM, SIGHUP);
  struct sigaction before = {};
  ::sigaction(signal, nullptr, &before);
  const pid_t parent = ::getpid();
  const auto start = std::chrono::steady_clock::now();
  WorkerLimits limits;
  limits.jobs = 3;
  const Outcome outcome = run(
      5,
      [&](std::size_t index) -> std::string {
        if (index == 0) ::kill(parent, signal);
        for (;;) ::pause();
      },
      limits);
  REQUIRE(outcome.failure == Failure::interrupted);
  CHECK(has_no_children());
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(30));
  struct sigaction after = {};
  ::sigaction(signal, nullptr, &after);
  CHECK(after.sa_handler == before.sa_handler);
}

TEST_CASE("an ignored signal stays ignored", "[worker]") {
  const auto before = std::signal(SIGHUP, SIG_IGN);
  const pid_t parent = ::getpid();
  const Outcome outcome = run(1, [&](std::size_t) {
    ::kill(parent, SIGHUP);
    return std::string("done");
  });
  std::signal(SIGHUP, before);
  CHECK_FALSE(outcome.failure.has_value());
  CHECK(outcome.results.at(0).done);
}

}  // namespace
}  // namespace convc
