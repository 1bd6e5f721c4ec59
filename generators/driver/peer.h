// Peers: other libraries' convolutions, measured beside a kernel. Each is a program of its own,
// convc-peer-NAME (bench/peers has ours), so that its threads, allocator and crashes stay outside
// of convc. POSIX only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dsl/module.h"

namespace convc {

/// The request that asks a peer for a graph: one line of JSON (bench/peers/peer.h). Nullopt and a
/// sentence in `*why_not` when it is no single convolution with at most a bias and a ReLU, of fixed
/// sizes and zero padding.
std::optional<std::string> peer_request(const Graph& graph, std::string* why_not);

/// A running peer. Its process ends when this is destroyed.
class Peer {
 public:
  /// Starts convc-peer-`name`, from the folder of this program, else from PATH. Null and a sentence
  /// in `*why_not` when there is none or it does not speak as a peer does.
  static std::unique_ptr<Peer> start(const std::string& name, unsigned threads,
                                     std::string* why_not);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  /// As the peer tells it: "oneDNN 2.6.3".
  [[nodiscard]] const std::string& version() const { return version_; }

  /// Makes the peer ready to compute what `request` asks; false and a sentence when it cannot.
  bool prepare(const std::string& request, std::string* why_not);

  /// Seconds per call of each form (direct, winograd, ..) over about `seconds` of calls. Empty when
  /// the peer failed.
  std::map<std::string, double> sample(double seconds);

 private:
  Peer(std::string name, int process, int to, int from);
  bool ask(const std::string& line, std::string* answer);

  std::string name_, version_;
  int process_, to_, from_;
  std::string unread_;
};

}  // namespace convc
