// The checks of one layer that need no input shape.
#include "dsl/resolve.h"
#include "dsl/text.h"

namespace convc {
namespace {

class LayerChecker {
 public:
  LayerChecker(const LayerDraft& draft, Diagnostics& diagnostics)
      : draft_(draft), diagnostics_(diagnostics) {}

  bool run() {
    if (!draft_.unmatched) check_presence();
    check_count("`filters`", draft_.filters);
    check_count("`groups`", draft_.groups);
    check_count("`batch`", draft_.batch);
    check_sizes("`kernel_size`", draft_.kernel_size);
    check_sizes("`strides`", draft_.strides);
    check_sizes("`dilation_rate`", draft_.dilation_rate);
    check_padding();
    if (draft_.input_shape.value) {
      for (const std::int64_t size : *draft_.input_shape.value) {
        if (!check_size("a size of `input_shape`", size, 1, draft_.input_shape.range)) break;
      }
    }
    check_groups();
    check_kernel();
    check_bias();
    return ok_;
  }

 private:
  Diagnostic& fail(Code code, SourceRange range, std::string message) {
    ok_ = false;
    return diagnostics_.error(code, range.known() ? range : draft_.callee, std::move(message));
  }

  void check_presence() {
    if (!draft_.filters.present) {
      fail(Code::missing_argument, draft_.callee, "Conv2D needs `filters`")
          .help("write Conv2D(filters=32, kernel_size=3, ...)");
    }
    if (!draft_.kernel_size.present && !draft_.kernel.present) {
      fail(Code::missing_argument, draft_.callee, "Conv2D needs `kernel_size`")
          .help("write Conv2D(filters=32, kernel_size=3, ...), or give the numbers with kernel=");
    }
  }

  bool check_size(const std::string& what, std::int64_t size, std::int64_t least,
                  SourceRange range) {
    if (size < least) {
      fail(Code::bad_size, range, cat(what, " must be at least ", least, ", not ", size));
      return false;
    }
    if (size > kMaxElements) {
      fail(Code::size_too_large, range, cat(what, " is too large: ", size))
          .note(cat("a size is at most 2^31 - 1 = ", kMaxElements));
      return false;
    }
    return true;
  }

  void check_count(const std::string& what, const Given<std::int64_t>& given) {
    if (given.value) check_size(what, *given.value, 1, given.range);
  }

  void check_sizes(const std::string& what, const Given<Size2D>& given) {
    if (!given.value) return;
    if (check_size(what, given.value->height, 1, given.range)) {
      check_size(what, given.value->width, 1, given.range);
    }
  }

  void check_padding() {
    if (!draft_.padding.value) return;
    const Padding2D& pad = draft_.padding.value->pairs;
    for (const std::int64_t size : {pad.top, pad.bottom, pad.left, pad.right}) {
      if (!check_size("`padding`", size, 0, draft_.padding.range)) return;
    }
  }

  void check_groups() {
    if (!draft_.groups.value || !draft_.filters.value) return;
    const std::int64_t groups = *draft_.groups.value;
    const std::int64_t filters = *draft_.filters.value;
    if (groups < 1 || filters < 1 || filters % groups == 0) return;
    fail(Code::groups_do_not_divide, draft_.groups.range,
         cat("`groups` ", groups, " does not divide `filters` ", filters))
        .note(cat(filters, " / ", groups, " leaves ", filters % groups))
        .help("choose a divisor of both the input's channels and `filters`");
  }

  void check_kernel() {
    if (!draft_.kernel.value) return;
    const Literal& kernel = **draft_.kernel.value;
    const std::size_t rank = kernel.shape.size();
    if (rank != 2 && rank != 4) {
      fail(Code::literal_shape, draft_.kernel.range,
           cat("`kernel` has ", count_of(rank, "level"), " of lists"))
          .help(
              "its shape is (height, width, input channels / groups, filters), or (height, width) "
              "for one input channel and one filter");
      return;
    }
    if (draft_.kernel_size.value) {
      const Size2D size = *draft_.kernel_size.value;
      if (size.height != kernel.shape[0] || size.width != kernel.shape[1]) {
        fail(Code::literal_shape, draft_.kernel.range,
             cat("`kernel` is ", kernel.shape[0], "x", kernel.shape[1], " but `kernel_size` is ",
                 size.height, "x", size.width))
            .help("leave `kernel_size` out: `kernel` says it");
      }
    }
    const std::int64_t filters = rank == 4 ? kernel.shape[3] : 1;
    if (!draft_.filters.value || *draft_.filters.value == filters) return;
    fail(Code::literal_shape, draft_.kernel.range,
         cat("`kernel` has ", count_of(static_cast<std::size_t>(filters), "filter"),
             " but `filters` is ", *draft_.filters.value))
        .note("the shape of `kernel` is (height, width, input channels / groups, filters)")
        .help(rank == 2 ? "(height, width) alone is for one input channel and one filter"
                        : "change `filters` or the innermost lists of `kernel`");
  }

  void check_bias() {
    if (draft_.use_bias.wrong() || draft_.bias.wrong() || draft_.kernel.wrong()) return;
    const bool use_bias = draft_.use_bias.value.value_or(true);
    if (draft_.bias.present && !use_bias) {
      fail(Code::literal_bias, draft_.bias.range, "`bias` is given, but use_bias=False")
          .help("remove one of the two");
      return;
    }
    if (draft_.bias.present && !draft_.kernel.present) {
      fail(Code::literal_bias, draft_.bias.range, "`bias` is literal, but the kernel is not")
          .help("give the numbers of the kernel too, with kernel=");
      return;
    }
    if (draft_.kernel.present && use_bias && !draft_.bias.present) {
      fail(Code::literal_bias, draft_.kernel.range, "`kernel` is literal, but the bias is not")
          .help("add bias=[...], or use_bias=False");
      return;
    }
    if (!draft_.bias.value || !draft_.filters.value) return;
    const Literal& bias = **draft_.bias.value;
    if (bias.shape.size() == 1 && bias.shape[0] == *draft_.filters.value) return;
    const std::string has = bias.shape.size() == 1
                                ? count_of(static_cast<std::size_t>(bias.shape[0]), "number")
                                : cat(bias.shape.size(), " levels of lists");
    fail(Code::literal_shape, draft_.bias.range, cat("`bias` has ", has))
        .note(cat("it is a list with one number for each of the ", *draft_.filters.value,
                  " `filters`"));
  }

  const LayerDraft& draft_;
  Diagnostics& diagnostics_;
  bool ok_ = true;
};

}  // namespace

bool check_layer(const LayerDraft& draft, Diagnostics& diagnostics) {
  return LayerChecker(draft, diagnostics).run();
}

bool check_input(const InputShape& input, SourceRange shape, SourceRange batch,
                 Diagnostics& diagnostics) {
  bool ok = true;
  const auto check = [&](const char* what, std::int64_t size, SourceRange range) {
    if (size >= 1 && size <= kMaxElements) return;
    ok = false;
    if (size < 1) {
      diagnostics.error(Code::bad_size, range, cat(what, " must be at least 1, not ", size));
    } else {
      diagnostics.error(Code::size_too_large, range, cat(what, " is too large: ", size))
          .note(cat("a size is at most 2^31 - 1 = ", kMaxElements));
    }
  };
  check("the input's height", input.size.height, shape);
  check("the input's width", input.size.width, shape);
  check("the number of input channels", input.channels, shape);
  check("the batch", input.batch, batch);
  return ok;
}

}  // namespace convc
