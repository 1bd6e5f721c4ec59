// The stable codes of diagnostics. docs/errors.md explains each with an example that the tests run.
// A code keeps its meaning for ever; new ones take free numbers. Plain data.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace convc {

enum class Code {
  none,  ///< a diagnostic of a room that has no codes
  unreadable_file,
  file_too_large,
  not_utf8,
  no_layers,
  name_needed,
  library_name,
  bad_character,
  open_string,
  bad_number,
  syntax,
  too_deep,
  python_only,
  indented,
  brackets,
  unknown_name,
  unknown_argument,
  repeated_argument,
  too_many_arguments,
  positional_after_keyword,
  missing_argument,
  wrong_type,
  unknown_value,
  not_supported_yet,
  training_only,
  no_effect,
  unused_tensor,
  not_connected,
  bad_size,
  filter_too_large,
  groups_do_not_divide,
  overflow,
  tensor_too_large,
  size_too_large,
  no_input_shape,
  shapes_disagree,
  empty_sequential,
  layouts_disagree,
  ragged_literal,
  literal_shape,
  literal_element,
  literal_range,
  literal_bias,
  negative_variance,
  duplicate_name,
  not_an_identifier,
  reserved_name,
  c_name_clash,
  open_size,
  open_range,
  unbounded_size,
  padding_too_large,
  output_padding,
  bad_axis,
  row_pitch,
  bad_parameter,
  onnx_damaged,
  onnx_not_supported,
  onnx_dim,
  rounds_to_zero,
  unused_value,
  not_finite,
  onnx_newer,
  onnx_output_shape,
  last_ = onnx_output_shape,
};

struct CodeInfo {
  Code code;
  std::string_view id;
  std::string_view title;  ///< as the heading in docs/errors.md
};

/// One entry per code, `none` excepted, in the order of the enumerators.
inline constexpr auto kCodes = std::to_array<CodeInfo>({
    {Code::unreadable_file, "E001", "the file cannot be read"},
    {Code::file_too_large, "E002", "the file is too large"},
    {Code::not_utf8, "E003", "the file is not UTF-8 text"},
    {Code::no_layers, "E004", "the file holds no layers"},
    {Code::name_needed, "E005", "several files need --name"},
    {Code::library_name, "E006", "the library's name cannot be used in C"},
    {Code::bad_character, "E010", "a character that has no meaning here"},
    {Code::open_string, "E011", "a string that is not closed or not plain"},
    {Code::bad_number, "E012", "a number that cannot be read"},
    {Code::syntax, "E013", "the text is not a spec"},
    {Code::too_deep, "E014", "too deeply nested, or too long"},
    {Code::python_only, "E015", "Python that is not part of the spec language"},
    {Code::indented, "E016", "a statement that is indented"},
    {Code::brackets, "E017", "brackets that do not match"},
    {Code::unknown_name, "E020", "a name that is not known"},
    {Code::unknown_argument, "E021", "an argument that is not known"},
    {Code::repeated_argument, "E022", "an argument that is given twice"},
    {Code::too_many_arguments, "E023", "too many arguments"},
    {Code::positional_after_keyword, "E024", "an argument without a name after one with a name"},
    {Code::missing_argument, "E025", "an argument is missing"},
    {Code::wrong_type, "E026", "a value of the wrong type"},
    {Code::unknown_value, "E027", "a value that is not known"},
    {Code::not_supported_yet, "E028", "not supported yet"},
    {Code::training_only, "E029", "an argument for training only"},
    {Code::no_effect, "E030", "a statement without effect"},
    {Code::unused_tensor, "E031", "a tensor that nothing uses"},
    {Code::not_connected, "E032", "a Model whose parts are not connected"},
    {Code::bad_size, "E040", "a size out of its range"},
    {Code::filter_too_large, "E041", "a filter larger than the padded input"},
    {Code::groups_do_not_divide, "E042", "groups that do not divide the channels"},
    {Code::overflow, "E043", "a product that overflows 64 bits"},
    {Code::tensor_too_large, "E044", "a tensor of 2^31 elements or more"},
    {Code::size_too_large, "E045", "a size of 2^31 or more"},
    {Code::no_input_shape, "E046", "the input shape is missing"},
    {Code::shapes_disagree, "E047", "shapes that disagree"},
    {Code::empty_sequential, "E048", "a Sequential without layers"},
    {Code::layouts_disagree, "E049", "layouts that disagree"},
    {Code::ragged_literal, "E050", "a ragged list of numbers"},
    {Code::literal_shape, "E051", "numbers of the wrong shape"},
    {Code::literal_element, "E052", "an element that is not a number"},
    {Code::literal_range, "E053", "a number out of float32's range"},
    {Code::literal_bias, "E054", "kernel and bias are not both literal"},
    {Code::negative_variance, "E055", "a negative variance"},
    {Code::duplicate_name, "E060", "a name that is used twice"},
    {Code::not_an_identifier, "E061", "a name that is not a C identifier"},
    {Code::reserved_name, "E062", "a name that C or C++ reserves"},
    {Code::c_name_clash, "E063", "names that clash in the generated C code"},
    {Code::open_size, "E070", "a size that must be known"},
    {Code::open_range, "E071", "a range of sizes that cannot be"},
    {Code::unbounded_size, "E072", "a run-time size without a maximum"},
    {Code::padding_too_large, "E073", "padding that its mode cannot fill"},
    {Code::output_padding, "E074", "an output_padding that is too large"},
    {Code::bad_axis, "E075", "an axis that is not the channels'"},
    {Code::row_pitch, "E076", "a row pitch that does not fit the rows"},
    {Code::bad_parameter, "E077", "a number out of its range"},
    {Code::onnx_damaged, "E080", "a damaged ONNX model"},
    {Code::onnx_not_supported, "E081", "a part of an ONNX model that is not supported"},
    {Code::onnx_dim, "E082", "a size that the ONNX model does not have"},
    {Code::rounds_to_zero, "W001", "a number that rounds to zero"},
    {Code::unused_value, "W002", "a value that is never used"},
    {Code::not_finite, "W003", "a weight that is not finite"},
    {Code::onnx_newer, "W004", "an ONNX model of a newer version"},
    {Code::onnx_output_shape, "W005", "an output whose shape the ONNX model has wrong"},
});
static_assert(kCodes.size() == static_cast<std::size_t>(Code::last_));

/// E.g. "E041"; empty for Code::none.
constexpr std::string_view id_of(Code code) {
  return code == Code::none ? std::string_view{} : kCodes[static_cast<std::size_t>(code) - 1].id;
}

}  // namespace convc
