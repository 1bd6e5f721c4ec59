// Elaborator: statements of one file to graph drafts. It knows names, calls and the types of
// arguments; whether the sizes make sense is the checker's (dsl/checker.h).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "dsl/ast.h"
#include "dsl/diagnostics.h"
#include "dsl/draft.h"
#include "dsl/names.h"
#include "dsl/vocabulary.h"

namespace convc {

/// The arguments of one call, by the names of the parameters.
using Arguments = std::map<std::string_view, const Expr*>;

/// Reads a layer's arguments into `layer`, whose type is set; what is wrong makes it broken.
void read_layer(const Arguments& arguments, LayerDraft* layer, Diagnostics& diagnostics);

class Elaborator {
 public:
  /// `diagnostics` must outlive the elaborator; `file` is known to it.
  explicit Elaborator(Diagnostics* diagnostics) : diagnostics_(*diagnostics) {}

  void add(Statement statement);

  /// After the last statement: the functions of the file, in the order in which they are written.
  /// Layers, Sequentials and Models that nothing contains are functions of the library.
  std::vector<GraphDraft> finish();

 private:
  struct Variable {
    std::shared_ptr<const Expr> value;
    SourceRange range;
    int nesting = 0;
    bool used = false;
  };

  // A layer with what it reads: tensors of inputs_ (Handle::Kind::input) or calls_ (tensor).
  struct LayerCall {
    std::size_t layer = 0;
    std::vector<Handle> reads;
    SourceRange range;
    bool used = false;  // by another call, as an output, or by something that failed
    bool in_model = false;
  };

  // The tensor of a graph that a handle of an input or of a called layer stands for.
  using Tensors = std::map<std::pair<Handle::Kind, std::size_t>, std::size_t>;

  int evaluate(Expr& expr);
  bool read_float(Expr& expr);
  int bind_name(Expr& expr);
  Handle call(Expr& expr);
  Handle call_builtin(const Signature& signature, const Expr& expr);
  Handle unknown_callee(const Expr& callee);
  void unknown_name(const Expr& expr);

  Arguments bind(const Signature& signature, const Expr& expr);
  const ParameterInfo* find_parameter(const Signature& signature, const CallArgument& argument,
                                      std::size_t position);
  void refuse_argument(const Signature& signature, const ParameterInfo& info, const Expr& value,
                       SourceRange where);
  bool read_name(const Arguments& arguments, std::string_view prefix, std::string* name,
                 SourceRange* range);

  Handle make_layer(const Signature& signature, const Expr& expr, const Arguments& arguments);
  Handle make_input(const Expr& expr, const Arguments& arguments);
  Handle make_open_size(const Expr& expr, const Arguments& arguments);
  Handle make_sequential(const Expr& expr, const Arguments& arguments);
  void read_batch_shape(const Expr& expr, InputDraft& input);
  void add_element(GraphDraft& graph, const Expr& element, int* depth);
  void add_nested(GraphDraft& graph, const GraphDraft& nested);
  bool add_layer(GraphDraft& graph, std::size_t index, SourceRange where);

  Handle functional_call(const Expr& expr);
  bool check_callee(const Expr& expr, const Handle& callee);
  void refuse_to_call(const Expr& callee);
  std::vector<Handle> read_call(const Expr& expr, const Handle& callee, bool* ok);
  std::vector<Handle> read_tensors(const Expr& expr, const char* what, bool* ok);
  Handle call_layer(std::size_t layer, std::vector<Handle> reads, SourceRange where);
  Handle call_sequential(std::size_t sequential, const Handle& read, SourceRange where);
  Handle make_model(const Expr& expr, const Arguments& arguments);
  bool collect_model(GraphDraft& graph, std::vector<Handle> inputs, bool inputs_given,
                     const std::vector<Handle>& outputs);
  bool refuse_model(const GraphDraft& graph, Code code, const char* message, const char* help,
                    SourceRange place = {});
  bool add_inputs(GraphDraft& graph, const std::vector<Handle>& inputs,
                  const std::set<std::size_t>& reached, Tensors* tensors);
  bool add_call(GraphDraft& graph, std::size_t index, Tensors* tensors);
  bool share_layer(std::size_t index, SourceRange where);
  void use(const Handle& handle);
  void report_unused_tensors();

  GraphDraft bare_layer(LayerDraft& layer);
  Handle made(Handle::Kind kind, std::size_t index);
  std::vector<bool>& contained(Handle::Kind kind);
  void contain(std::size_t first, std::size_t end);

  Diagnostics& diagnostics_;
  AutoNames auto_names_;
  std::map<std::string_view, Variable> variables_;
  std::deque<LayerDraft> layers_;  // large: never moved
  std::vector<InputDraft> inputs_;
  std::vector<LayerCall> calls_;
  std::vector<GraphDraft> sequentials_;
  std::vector<int> sequential_depths_;  // of chains within chains
  std::vector<GraphDraft> models_;
  // Layers, Sequentials and Models in the order of creation; which of them something contains.
  std::vector<Handle> made_;
  std::vector<bool> contained_layers_;
  std::vector<bool> contained_sequentials_;
  std::vector<bool> contained_models_;
  bool arguments_broken_ = false;  // by the latest bind()
  bool model_broken_ = false;      // what it would have used is not known
};

}  // namespace convc
