// Row pitches: where the rows of inputs and outputs lie. Of this room only.
#pragma once

#include "dsl/diagnostics.h"
#include "dsl/draft.h"
#include "dsl/module.h"

namespace convc {

/// Sets the forms of the tensors whose pitch a layer gives, and those of all layers. Reports a
/// pitch that does not fit. Precondition: `graph` is the draft resolved.
bool set_row_pitches(const GraphDraft& draft, Graph* graph, Diagnostics& diagnostics);

}  // namespace convc
