// A poll loop over the pipes of forked children. The parent makes no threads.
#include "generators/emit/worker.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

#include "generators/emit/signal_guard.h"

namespace convc {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxLogBytes = 64 * 1024;
/// First byte of a child's answer.
constexpr char kAnswerDone = 'D';
constexpr char kAnswerFailed = 'F';

struct Child {
  std::size_t index = 0;
  pid_t pid = -1;
  int answer_fd = -1;
  int log_fd = -1;
  std::string answer;
  std::string log;
  Clock::time_point deadline;
  bool timed_out = false;
};

bool write_all(int fd, const std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return true;
}

/// The address space of this process, in bytes; 0 when /proc does not tell.
std::uint64_t address_space_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  unsigned long long pages = 0;
  const int fields = std::fscanf(file, "%llu", &pages);
  std::fclose(file);
  return fields == 1 ? pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

void limit_memory(std::uint64_t memory_bytes) {
  const std::uint64_t now = address_space_bytes();
  if (now == 0) return;
  rlimit limit = {};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, now + memory_bytes);
  setrlimit(RLIMIT_AS, &limit);
}

/// Everything a child does; never returns.
[[noreturn]] void child_main(std::size_t index, int answer_fd, int log_fd,
                             const WorkerLimits& limits,
                             const std::function<std::string(std::size_t)>& work) {
  const int null_fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null_fd >= 0) ::dup2(null_fd, STDIN_FILENO);
  ::dup2(log_fd, STDOUT_FILENO);
  ::dup2(log_fd, STDERR_FILENO);
  // A crash ends the child at once: handlers that the parent's libraries installed would print.
  for (int crash : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) std::signal(crash, SIG_DFL);
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  limit_memory(limits.memory_bytes);
  std::string answer;
  try {
    answer = kAnswerDone + work(index);
  } catch (const std::bad_alloc&) {
    // As the limit is reached only a small string can be had.
    answer = std::string(1, kAnswerFailed) + "it needs more memory than it may use";
  } catch (const std::exception& exception) {
    answer = std::string(1, kAnswerFailed) + exception.what();
  } catch (...) {
    answer = std::string(1, kAnswerFailed) + "an exception of unknown type";
  }
  const bool written = write_all(answer_fd, answer);
  std::fflush(nullptr);
  ::_exit(written ? 0 : 1);
}

class WorkerPool {
 public:
  WorkerPool(const WorkerLimits& limits, const std::function<std::string(std::size_t)>& work,
             const std::function<void(std::size_t, WorkerResult)>& finished)
      : limits_(limits), work_(work), finished_(finished) {}

  ~WorkerPool() {
    for (Child& child : children_) kill_and_reap(child);
  }

  std::optional<Failure> run(std::size_t count, std::string* error) {
    std::size_t next = 0;
    while (next < count || !children_.empty()) {
      while (next < count && children_.size() < std::max(1u, limits_.jobs)) {
        if (!start(next, error)) {
          // Too many processes for now: go on with those that run.
          if (children_.empty()) return Failure::environment;
          break;
        }
        ++next;
      }
      wait_for_news();
      if (SignalGuard::interrupted()) return Failure::interrupted;
      collect_ended();
    }
    return std::nullopt;
  }

 private:
  bool start(std::size_t index, std::string* error) {
    int answer[2], log[2];
    if (::pipe2(answer, O_CLOEXEC) != 0) {
      *error = std::string("no pipe to a worker process: ") + std::strerror(errno);
      return false;
    }
    if (::pipe2(log, O_CLOEXEC) != 0) {
      *error = std::string("no pipe to a worker process: ") + std::strerror(errno);
      ::close(answer[0]);
      ::close(answer[1]);
      return false;
    }
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(1);
      signals_.release_in_child();
      child_main(index, answer[1], log[1], limits_, work_);
    }
    const int fork_errno = errno;
    ::close(answer[1]);
    ::close(log[1]);
    if (pid < 0) {
      *error = std::string("no worker process: ") + std::strerror(fork_errno);
      ::close(answer[0]);
      ::close(log[0]);
      return false;
    }
    ::fcntl(answer[0], F_SETFL, O_NONBLOCK);
    ::fcntl(log[0], F_SETFL, O_NONBLOCK);
    const auto time =
        std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(limits_.seconds));
    Child child;
    child.index = index;
    child.pid = pid;
    child.answer_fd = answer[0];
    child.log_fd = log[0];
    child.deadline = Clock::now() + time;
    children_.push_back(std::move(child));
    return true;
  }

  /// Sleeps until a pipe has something, a deadline passes or a signal arrives; then reads.
  void wait_for_news() {
    std::vector<pollfd> fds;
    Clock::time_point wake = Clock::time_point::max();
    for (const Child& child : children_) {
      // poll ignores an fd of -1, a pipe already closed.
      fds.push_back({child.answer_fd, POLLIN, 0});
      fds.push_back({child.log_fd, POLLIN, 0});
      if (!child.timed_out) wake = std::min(wake, child.deadline);
    }
    const auto left = std::max(Clock::duration::zero(), wake - Clock::now());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    timespec timeout = {};
    timeout.tv_sec = static_cast<time_t>(std::min<long long>(seconds.count(), 3600));
    timeout.tv_nsec = static_cast<long>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(left - seconds).count());
    ::ppoll(fds.data(), fds.size(), &timeout, &signals_.wait_mask());
    for (Child& child : children_) {
      drain(child.answer_fd, child.answer, SIZE_MAX);
      drain(child.log_fd, child.log, kMaxLogBytes);
      if (!child.timed_out && child.answer_fd >= 0 && Clock::now() >= child.deadline) {
        child.timed_out = true;
        ::kill(child.pid, SIGKILL);
      }
    }
  }

  /// Reads what is there, keeps the first `max_bytes`; closes the pipe (fd = -1) at its end.
  static void drain(int& fd, std::string& into, std::size_t max_bytes) {
    char buffer[65536];
    while (fd >= 0) {
      const ssize_t count = ::read(fd, buffer, sizeof buffer);
      if (count > 0) {
        into.append(buffer, std::min(static_cast<std::size_t>(count), max_bytes - into.size()));
      } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
        ::close(fd);
        fd = -1;
      } else if (errno == EAGAIN) {
        return;
      }
    }
  }

  /// A child has ended when it has closed both pipes.
  void collect_ended() {
    for (std::size_t i = 0; i < children_.size();) {
      if (children_[i].answer_fd >= 0 || children_[i].log_fd >= 0) {
        ++i;
        continue;
      }
      Child child = std::move(children_[i]);
      children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(i));
      int status = 0;
      while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
      }
      finished_(child.index, result_of(child, status));
    }
  }

  WorkerResult result_of(Child& child, int status) const {
    WorkerResult result;
    result.log = std::move(child.log);
    const bool exited_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (exited_well && !child.answer.empty()) {
      result.done = child.answer[0] == kAnswerDone;
      (result.done ? result.bytes : result.error) = child.answer.substr(1);
    } else if (child.timed_out) {
      result.error = "it took longer than " + std::to_string(std::lround(limits_.seconds)) + " s";
    } else if (WIFSIGNALED(status)) {
      result.error = std::string("it was ended by a signal: ") + strsignal(WTERMSIG(status));
    } else {
      result.error = "it ended without an answer, with status " +
                     std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : status);
    }
    return result;
  }

  static void kill_and_reap(Child& child) {
    ::kill(child.pid, SIGKILL);
    while (::waitpid(child.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    if (child.answer_fd >= 0) ::close(child.answer_fd);
    if (child.log_fd >= 0) ::close(child.log_fd);
  }

  const WorkerLimits limits_;
  const std::function<std::string(std::size_t)>& work_;
  const std::function<void(std::size_t, WorkerResult)>& finished_;
  SignalGuard signals_;
  std::vector<Child> children_;
};

}  // namespace

std::optional<Failure> run_workers(
    std::size_t count, const WorkerLimits& limits,
    const std::function<std::string(std::size_t index)>& work,
    const std::function<void(std::size_t index, WorkerResult result)>& finished,
    std::string* error) {
  if (count == 0) return std::nullopt;
  WorkerPool pool(limits, work, finished);
  return pool.run(count, error);
}

}  // namespace convc
