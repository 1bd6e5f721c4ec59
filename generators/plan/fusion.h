// Fusion of elementwise nodes and padding into the layers beside them. Of lowering only.
#pragma once

#include "dsl/module.h"

namespace convc {

/// Padding that stands alone joins the layer with a kernel after it.
Graph fuse_padding(Graph graph);

/// Elementwise nodes join the node before them.
Graph fuse_post_ops(Graph graph);

}  // namespace convc
