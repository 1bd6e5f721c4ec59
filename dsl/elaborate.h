// Elaborator: statements of one file to graph drafts. It knows names, calls and the types of
// arguments; whether the sizes make sense is the checker's (dsl/checker.h).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "dsl/ast.h"
#include "dsl/diagnostics.h"
#include "dsl/draft.h"
#include "dsl/names.h"
#include "dsl/vocabulary.h"

namespace convc {

class Elaborator {
 public:
  /// `diagnostics` must outlive the elaborator; `file` is known to it.
  explicit Elaborator(Diagnostics* diagnostics) : diagnostics_(*diagnostics) {}

  void add(Statement statement);

  /// After the last statement: the functions of the file, in the order in which they are written.
  /// Layers and Sequentials that nothing contains are functions of the library.
  std::vector<GraphDraft> finish();

 private:
  using Arguments = std::map<Parameter, const Expr*>;

  struct Variable {
    std::shared_ptr<const Expr> value;
    SourceRange range;
    int nesting = 0;
    bool used = false;
  };

  int evaluate(Expr& expr);
  int bind_name(Expr& expr);
  Handle call(Expr& expr);
  Handle call_builtin(const Signature& signature, const Expr& expr);
  Handle functional_call(const Expr& expr);
  Handle unknown_callee(const Expr& callee);
  void unknown_name(const Expr& expr);

  Arguments bind(const Signature& signature, const Expr& expr);
  const ParameterInfo* find_parameter(const Signature& signature, const CallArgument& argument,
                                      std::size_t position);
  void refuse_argument(const Signature& signature, const ParameterInfo& info, const Expr& value,
                       SourceRange where);

  Handle make_layer(const Expr& expr, const Arguments& arguments);
  Handle make_input(const Expr& expr, const Arguments& arguments);
  Handle make_sequential(const Expr& expr, const Arguments& arguments);
  void read_layer_sizes(LayerDraft& layer, const Arguments& arguments);
  void read_layer_numbers(LayerDraft& layer, const Arguments& arguments);
  bool read_layer_words(LayerDraft& layer, const Arguments& arguments);
  bool read_name(const Arguments& arguments, const char* prefix, std::string* name,
                 SourceRange* range);
  void read_batch_shape(const Expr& expr, InputDraft& input);
  void add_element(GraphDraft& graph, const Expr& element, bool first);
  Handle made(Handle::Kind kind, std::size_t index);
  std::vector<bool>& contained(Handle::Kind kind);
  void contain(std::size_t first, std::size_t end);

  Diagnostics& diagnostics_;
  AutoNames auto_names_;
  std::map<std::string_view, Variable> variables_;
  std::vector<LayerDraft> layers_;
  std::vector<InputDraft> inputs_;
  std::vector<GraphDraft> sequentials_;
  // Layers and Sequentials in the order of creation; which of them something contains.
  std::vector<Handle> made_;
  std::vector<bool> contained_layers_;
  std::vector<bool> contained_sequentials_;
  bool arguments_broken_ = false;  // by the latest bind()
};

}  // namespace convc
