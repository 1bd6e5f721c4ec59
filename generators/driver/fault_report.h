// Says which buffer a crashing kernel left, before the process dies of it. POSIX only.
#pragma once

namespace convc {

/// From now on a SIGSEGV or SIGBUS of this process writes a line to stderr, in the words of
/// describe_fault (guarded_buffer.h) where it can, and then kills the process as it would have.
void report_faults();

}  // namespace convc
