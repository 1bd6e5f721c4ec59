#include "bench/peers/peer.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

namespace convc::peer {
namespace {

using Json = nlohmann::json;

/// As convc's own stopwatch: of one thread the seconds that it had a processor, of several the
/// wall clock's.
double seconds_now(unsigned threads) {
  timespec time{};
  clock_gettime(threads <= 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double seconds_of(const Form& form, std::size_t repetitions, unsigned threads) {
  const double start = seconds_now(threads);
  for (std::size_t i = 0; i < repetitions; ++i) form.call();
  return seconds_now(threads) - start;
}

struct TimedForm {
  Form form;
  double seconds_per_call;
};

/// The first call is not counted.
TimedForm warmed_up(Form form, unsigned threads) {
  form.call();
  constexpr double kLongEnough = 1e-3;
  double seconds = 0;
  std::size_t repetitions = 1;
  for (;; repetitions *= 2) {
    seconds = seconds_of(form, repetitions, threads);
    if (seconds >= kLongEnough) break;
  }
  return {std::move(form), seconds / static_cast<double>(repetitions)};
}

Layer layer_from(const Json& json) {
  Layer layer;
  layer.batch = json.at("batch");
  layer.in_channels = json.at("in_channels");
  layer.filters = json.at("filters");
  layer.groups = json.at("groups");
  layer.rank = json.at("rank");
  layer.use_bias = json.at("use_bias");
  layer.relu = json.at("relu");
  const auto axes = [&](const char* name) {
    return json.at(name).get<std::vector<std::int64_t>>();
  };
  layer.in = axes("in");
  layer.out = axes("out");
  layer.kernel_size = axes("kernel_size");
  layer.strides = axes("strides");
  layer.dilation_rate = axes("dilation_rate");
  layer.pad_before = axes("pad_before");
  layer.pad_after = axes("pad_after");
  return layer;
}

class Conversation {
 public:
  Conversation(const Peer& peer, unsigned threads) : peer_(peer), threads_(threads) {}

  Json answer(const Json& request) {
    if (request.contains("layer")) return prepare(layer_from(request.at("layer")));
    return sample(request.at("sample_seconds"));
  }

 private:
  Json prepare(const Layer& layer) {
    forms_.clear();
    std::string why_not;
    Json names = Json::array();
    for (Form& form : peer_.prepare(layer, &why_not)) {
      names.push_back(form.name);
      forms_.push_back(warmed_up(std::move(form), threads_));
    }
    if (forms_.empty()) return {{"skip", why_not}};
    return {{"forms", names}};
  }

  Json sample(double seconds) {
    Json times = Json::object();
    for (TimedForm& timed : forms_) {
      const auto repetitions =
          static_cast<std::size_t>(std::max(seconds / timed.seconds_per_call, 1.0));
      // Whoever was measured last has left the caches to itself.
      seconds_of(timed.form, (repetitions + 3) / 4, threads_);
      times[timed.form.name] =
          seconds_of(timed.form, repetitions, threads_) / static_cast<double>(repetitions);
    }
    // Threads that wait for more work by spinning would slow down whoever is measured next.
    if (threads_ > 1) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return times;
  }

  const Peer& peer_;
  unsigned threads_;
  std::vector<TimedForm> forms_;
};

}  // namespace

unsigned threads_of(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--threads") == 0) {
      return static_cast<unsigned>(std::strtoul(argv[i + 1], nullptr, 10));
    }
  }
  return 1;
}

int serve(const Peer& peer, unsigned threads) {
  std::cout << Json{{"peer", peer.name}, {"version", peer.version}}.dump() << std::endl;
  Conversation conversation(peer, threads);
  for (std::string line; std::getline(std::cin, line);) {
    Json answer;
    try {
      answer = conversation.answer(Json::parse(line));
    } catch (const std::exception& failure) {
      answer = {{"skip", failure.what()}};
    }
    std::cout << answer.dump() << std::endl;
  }
  return 0;
}

}  // namespace convc::peer
