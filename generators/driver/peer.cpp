#include "generators/driver/peer.h"

#include <fcntl.h>
#include <llvm/Support/Errno.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/Path.h>
#include <llvm/Support/Program.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <nlohmann/json.hpp>

extern char** environ;

namespace convc {
namespace {

using Json = nlohmann::json;

/// To compile a layer takes some peers a minute; one that hangs is skipped.
constexpr int kAnswerMilliseconds = 5 * 60 * 1000;

/// The axes of a layer's rank, outermost first.
template <typename Value>
std::vector<Value> axes_of(int rank, Value depth, Value height, Value width) {
  std::vector<Value> axes = {depth, height, width};
  return {axes.end() - rank, axes.end()};
}

std::vector<std::int64_t> axes_of(int rank, const Size& size) {
  return axes_of(rank, size.depth, size.height, size.width);
}

bool is_plain_relu(const PostOp& post_op) {
  return post_op.kind == PostOpKind::activation &&
         post_op.activation == default_activation(ActivationFunction::relu);
}

std::string why_no_peer(const LayerSpec& layer) {
  if (layer.kind != LayerKind::conv && layer.kind != LayerKind::depthwise_conv)
    return "the layer is no convolution";
  if (layer.open.any()) return "the layer has run-time sizes";
  if (layer.padding_mode != PaddingMode::zeros) return "the layer's padding is not zeros";
  const bool only_relu =
      layer.post_ops.empty() || (layer.post_ops.size() == 1 && is_plain_relu(layer.post_ops[0]));
  return only_relu ? "" : "the layer's chain is more than a ReLU";
}

std::string program_of(const std::string& name) {
  const std::string program = "convc-peer-" + name;
  const std::string self = llvm::sys::fs::getMainExecutable(nullptr, nullptr);
  llvm::SmallString<128> beside(llvm::sys::path::parent_path(self));
  llvm::sys::path::append(beside, program);
  if (llvm::sys::fs::can_execute(beside)) return std::string(beside);
  const llvm::ErrorOr<std::string> found = llvm::sys::findProgramByName(program);
  return found ? *found : "";
}

/// A child whose standard input and output are pipes; -1 when there can be none.
int spawn(const std::string& program, unsigned threads, int* to, int* from) {
  std::array<int, 2> requests{}, answers{};
  if (pipe2(requests.data(), O_CLOEXEC) != 0) return -1;
  if (pipe2(answers.data(), O_CLOEXEC) != 0) {
    close(requests[0]), close(requests[1]);
    return -1;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, requests[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, answers[1], STDOUT_FILENO);
  std::string path = program, flag = "--threads", count = std::to_string(threads);
  std::array<char*, 4> arguments = {path.data(), flag.data(), count.data(), nullptr};
  pid_t process = -1;
  const int status =
      posix_spawn(&process, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(requests[0]), close(answers[1]);
  if (status != 0) {
    close(requests[1]), close(answers[0]);
    return -1;
  }
  *to = requests[1], *from = answers[0];
  return process;
}

Json parsed(const std::string& text) {
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

}  // namespace

std::optional<std::string> peer_request(const Graph& graph, std::string* why_not) {
  if (graph.nodes.size() != 1) {
    *why_not = "the network is more than one layer";
    return std::nullopt;
  }
  const LayerSpec& layer = graph.nodes[0].layer;
  *why_not = why_no_peer(layer);
  if (!why_not->empty()) return std::nullopt;
  const Padding& padding = layer.padding;
  const Json numbers = {
      {"batch", layer.batch},
      {"in_channels", layer.in_channels},
      {"filters", layer.filters},
      {"groups", layer.groups},
      {"rank", layer.rank},
      {"in", axes_of(layer.rank, layer.in)},
      {"out", axes_of(layer.rank, layer.out)},
      {"kernel_size", axes_of(layer.rank, layer.kernel_size)},
      {"strides", axes_of(layer.rank, layer.strides)},
      {"dilation_rate", axes_of(layer.rank, layer.dilation_rate)},
      {"pad_before", axes_of(layer.rank, padding.front, padding.top, padding.left)},
      {"pad_after", axes_of(layer.rank, padding.back, padding.bottom, padding.right)},
      {"use_bias", layer.use_bias},
      {"relu", !layer.post_ops.empty()}};
  return Json{{"layer", numbers}}.dump();
}

Peer::Peer(std::string name, int process, int to, int from)
    : name_(std::move(name)), process_(process), to_(to), from_(from) {}

Peer::~Peer() {
  close(to_), close(from_);
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

std::unique_ptr<Peer> Peer::start(const std::string& name, unsigned threads, std::string* why_not) {
  const std::string program = program_of(name);
  if (program.empty()) {
    *why_not = "there is no program convc-peer-" + name + " beside convc or on PATH";
    return nullptr;
  }
  int to = -1, from = -1;
  const int process = spawn(program, threads, &to, &from);
  if (process < 0) {
    *why_not = program + " cannot be started";
    return nullptr;
  }
  std::unique_ptr<Peer> peer(new Peer(name, process, to, from));
  std::string line;
  const Json greeting = peer->ask("", &line) ? parsed(line) : Json();
  if (!greeting.is_object() || !greeting.contains("peer") || !greeting.contains("version")) {
    *why_not = program + " does not greet as a peer does: is its library installed?";
    return nullptr;
  }
  peer->version_ =
      greeting["peer"].get<std::string>() + " " + greeting["version"].get<std::string>();
  return peer;
}

/// Writes `line` unless it is empty, and reads the next line.
bool Peer::ask(const std::string& line, std::string* answer) {
  if (!line.empty()) {
    const std::string text = line + "\n";
    // A peer that has died must not take convc along.
    struct sigaction ignore {
    }, before{};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, &before);
    const bool written = write(to_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    sigaction(SIGPIPE, &before, nullptr);
    if (!written) return false;
  }
  for (;;) {
    const std::size_t end = unread_.find('\n');
    if (end != std::string::npos) {
      *answer = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return true;
    }
    std::array<char, 4096> chunk{};
    pollfd answers = {from_, POLLIN, 0};
    if (llvm::sys::RetryAfterSignal(-1, poll, &answers, 1, kAnswerMilliseconds) <= 0) return false;
    const ssize_t count = llvm::sys::RetryAfterSignal(-1, read, from_, chunk.data(), chunk.size());
    if (count <= 0) return false;
    unread_.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

bool Peer::prepare(const std::string& request, std::string* why_not) {
  std::string line;
  const Json answer = ask(request, &line) ? parsed(line) : Json();
  if (answer.is_object() && answer.contains("forms")) return true;
  const bool told = answer.is_object() && answer.contains("skip");
  *why_not = told ? answer["skip"].dump() : version_ + " does not answer";
  return false;
}

std::map<std::string, double> Peer::sample(double seconds) {
  std::string line;
  const Json answer = ask(Json{{"sample_seconds", seconds}}.dump(), &line) ? parsed(line) : Json();
  std::map<std::string, double> times;
  if (!answer.is_object()) return times;
  for (const auto& [form, time] : answer.items()) {
    if (time.is_number()) times[form] = time.get<double>();
  }
  return times;
}

}  // namespace convc
