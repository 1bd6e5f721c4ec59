// Handlers only set a flag; everything else happens where the flag is read.
#include "generators/emit/signal_guard.h"

namespace convc {
namespace {

volatile std::sig_atomic_t stop_requested = 0;

void note_signal(int) {
  stop_requested = 1;
}

}  // namespace

SignalGuard::SignalGuard() {
  stop_requested = 0;
  sigset_t blocked;
  sigemptyset(&blocked);
  for (int signal : kSignals) sigaddset(&blocked, signal);
  pthread_sigmask(SIG_BLOCK, &blocked, &outer_mask_);
  struct sigaction action = {};
  action.sa_handler = note_signal;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], nullptr, &old_actions_[i]);
    if (old_actions_[i].sa_handler != SIG_IGN) sigaction(kSignals[i], &action, nullptr);
  }
}

SignalGuard::~SignalGuard() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], &old_actions_[i], nullptr);
  }
  pthread_sigmask(SIG_SETMASK, &outer_mask_, nullptr);
}

bool SignalGuard::interrupted() {
  return stop_requested != 0;
}

void SignalGuard::release_in_child() const {
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], &old_actions_[i], nullptr);
  }
  std::signal(SIGINT, SIG_IGN);
  pthread_sigmask(SIG_SETMASK, &outer_mask_, nullptr);
}

}  // namespace convc
