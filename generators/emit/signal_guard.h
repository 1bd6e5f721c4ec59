// SignalGuard: catches the signals that ask a program to stop, for as long as it lives. POSIX.
#pragma once

#include <csignal>

#include <array>

namespace convc {

/// While an object of this class lives, SIGINT, SIGTERM and SIGHUP are blocked in this thread and
/// only noted, at the points where `wait_mask` is passed to ppoll (or never, when the work must not
/// be torn). Signals that were ignored stay ignored. The destructor restores everything; a signal
/// that is still pending then acts as it would have.
class SignalGuard {
 public:
  SignalGuard();
  ~SignalGuard();
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

  /// True once one of the signals was delivered.
  [[nodiscard]] static bool interrupted();
  /// The mask outside of this object.
  [[nodiscard]] const sigset_t& wait_mask() const { return outer_mask_; }
  /// For a forked child: SIGINT is ignored (the parent decides), the rest as before.
  void release_in_child() const;

  static constexpr std::array<int, 3> kSignals = {SIGINT, SIGTERM, SIGHUP};

 private:
  sigset_t outer_mask_;
  std::array<struct sigaction, kSignals.size()> old_actions_;
};

}  // namespace convc
