// What a peer program shares with the others: the layer it is asked to run, the clock, and the
// conversation with `convc bench --peers`. A peer reads one JSON request per line on its standard
// input and answers each with one line on its standard output; it ends with its input.
//
//   (start)                     {"peer": "oneDNN", "version": "2.6.3"}
//   {"layer": {...}}            {"forms": ["direct", "winograd"]}  or  {"skip": "why not"}
//   {"sample_seconds": 0.008}   {"direct": 1.2e-3, "winograd": 0.9e-3}   seconds per call
//
// A layer's numbers are those of `Layer` below, by the same names. Weights are packed, buffers
// filled and the first call made before the answer to "layer".
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace convc::peer {

/// Images are batch x channels x depth x height x width in any layout the peer likes best.
struct Layer {
  std::int64_t batch = 1, in_channels = 1, filters = 1, groups = 1;
  int rank = 2;  ///< of the arrays below, outermost axis first
  std::vector<std::int64_t> in, out, kernel_size, strides, dilation_rate, pad_before, pad_after;
  bool use_bias = false, relu = false;
};

/// One way in which the peer computes the layer.
struct Form {
  std::string name;
  std::function<void()> call;
};

struct Peer {
  std::string name, version;
  /// The forms that can compute the layer; none and a sentence in `*why_not`. What `call` needs
  /// lives until the next `prepare`.
  std::function<std::vector<Form>(const Layer& layer, std::string* why_not)> prepare;
};

/// The number after --threads; 1 without it.
unsigned threads_of(int argc, char** argv);

/// Talks until the input ends; returns the program's exit code.
int serve(const Peer& peer, unsigned threads);

}  // namespace convc::peer
