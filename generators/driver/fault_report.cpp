#include "generators/driver/fault_report.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "generators/driver/guarded_buffer.h"

namespace convc {
namespace {

void on_fault(int signal_number, siginfo_t* info, void*) {
  char where[160], line[200];
  if (!describe_fault(info->si_addr, where, sizeof where))
    std::snprintf(where, sizeof where, "an access to %p, which is in none of its buffers",
                  info->si_addr);
  const int length = std::snprintf(line, sizeof line, "%s\n", where);
  if (write(STDERR_FILENO, line, static_cast<std::size_t>(length)) < 0) _exit(128 + signal_number);
  // SA_RESETHAND has restored the default: the access is tried again, and kills.
}

}  // namespace

void report_faults() {
  // Of its own, in case the fault is a stack overflow. Lives as long as the process.
  static char alternate_stack[1 << 16];
  stack_t stack{};
  stack.ss_sp = alternate_stack;
  stack.ss_size = sizeof alternate_stack;
  sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_RESETHAND | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGSEGV, &action, nullptr);
  sigaction(SIGBUS, &action, nullptr);
}

}  // namespace convc
