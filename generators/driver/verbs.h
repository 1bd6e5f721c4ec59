// The verbs of the command. Each returns an exit code (exit_codes.h) after printing all there is to
// say; results go to stdout, everything else to stderr.
#pragma once

#include "generators/driver/options.h"

namespace convc {

int run_summary(const Options& options);
int run_plan(const Options& options);
int run_compile(const Options& options);
int run_verify(const Options& options);
int run_run(const Options& options);
int run_bench(const Options& options);
int run_explain(const Options& options);

}  // namespace convc
