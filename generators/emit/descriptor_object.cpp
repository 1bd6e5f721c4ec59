// Each struct of kernel_abi.h has its constructor here, with the members in the header's order.
#include "generators/emit/descriptor_object.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/DerivedTypes.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include "convc/kernel_abi.h"
#include "generators/emit/internal_error.h"
#include "generators/emit/llvm_object.h"

namespace convc {
namespace {

using llvm::Constant;
using Constants = llvm::SmallVector<Constant*, 16>;

/// A module and the constants of C that descriptors are made of.
class DataWriter {
 public:
  DataWriter(const std::string& name, const std::string& triple)
      : machine_(make_target_machine(triple)),
        module_(name, context_),
        pointer_(llvm::PointerType::getUnqual(context_)) {
    module_.setTargetTriple(triple);
    module_.setDataLayout(machine_->createDataLayout());
    module_.setPICLevel(llvm::PICLevel::BigPIC);
  }

  std::string object() { return to_object(module_, *machine_); }
  llvm::Module& module() { return module_; }
  llvm::LLVMContext& context() { return context_; }
  llvm::PointerType* pointer() const { return pointer_; }
  /// size_t
  llvm::IntegerType* size_type() { return llvm::Type::getInt64Ty(context_); }
  /// enum convc_status
  llvm::IntegerType* status_type() { return llvm::Type::getInt32Ty(context_); }

  template <typename T>
  Constant* u32(T value) {
    return llvm::ConstantInt::get(llvm::Type::getInt32Ty(context_),
                                  static_cast<std::uint64_t>(value));
  }
  template <typename T>
  Constant* u64(T value) {
    return llvm::ConstantInt::get(llvm::Type::getInt64Ty(context_),
                                  static_cast<std::uint64_t>(value));
  }
  Constant* f64(double value) {
    return llvm::ConstantFP::get(llvm::Type::getDoubleTy(context_), value);
  }
  Constant* null() { return llvm::ConstantPointerNull::get(pointer_); }

  /// A struct with natural alignment, as C has it. `c_bytes` is sizeof the struct in kernel_abi.h,
  /// which is the same for every 64-bit target.
  Constant* record(const Constants& members, std::size_t c_bytes) {
    Constant* value = llvm::ConstantStruct::getAnon(context_, members);
    if (module_.getDataLayout().getTypeAllocSize(value->getType()) != c_bytes) {
      throw InternalError("a struct of the descriptor differs from kernel_abi.h");
    }
    return value;
  }

  /// Private read-only data.
  llvm::GlobalVariable* data(Constant* value, const char* name) {
    auto* global = new llvm::GlobalVariable(module_, value->getType(), /*isConstant=*/true,
                                            llvm::GlobalValue::PrivateLinkage, value, name);
    global->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    return global;
  }

  /// A pointer to the elements, NULL when there are none.
  Constant* array(const Constants& elements, const char* name) {
    if (elements.empty()) return null();
    auto* type = llvm::ArrayType::get(elements[0]->getType(), elements.size());
    return data(llvm::ConstantArray::get(type, elements), name);
  }

  Constant* text(const std::string& text) {
    return data(llvm::ConstantDataArray::getString(context_, text), "text");
  }

  /// A symbol of another object of this library.
  Constant* hidden_data(const std::string& symbol) {
    if (llvm::GlobalVariable* known = module_.getNamedGlobal(symbol)) return known;
    auto* type = llvm::Type::getInt8Ty(context_);
    auto* global = new llvm::GlobalVariable(module_, type, /*isConstant=*/true,
                                            llvm::GlobalValue::ExternalLinkage, nullptr, symbol);
    global->setVisibility(llvm::GlobalValue::HiddenVisibility);
    return global;
  }

  llvm::Function* function(const std::string& symbol, llvm::FunctionType* type) {
    if (llvm::Function* known = module_.getFunction(symbol)) return known;
    return llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, symbol, module_);
  }

 private:
  llvm::LLVMContext context_;
  std::unique_ptr<llvm::TargetMachine> machine_;
  llvm::Module module_;
  llvm::PointerType* pointer_;
};

Constant* product(DataWriter& w, const convc_product& value) {
  Constants members = {w.u64(value.factor), w.u32(value.count)};
  // sizes[] as members: the same bytes.
  for (const std::uint32_t size : value.sizes) members.push_back(w.u32(size));
  members.push_back(w.u32(0));
  return w.record(members, sizeof(convc_product));
}

Constant* size(DataWriter& w, const RunTimeSize& layout) {
  const convc_size& numbers = layout.numbers;
  return w.record(
      {layout.member.empty() ? w.null() : w.text(layout.member), w.u32(numbers.kind),
       w.u32(numbers.source), w.u64(numbers.min), w.u64(numbers.max), w.u64(numbers.multiplier),
       w.u64(numbers.addend), w.u64(numbers.divisor), w.u64(numbers.offset)},
      sizeof(convc_size));
}

Constant* tensor(DataWriter& w, const IoTensor& layout) {
  Constants extents, open_extents;
  for (const std::int64_t extent : layout.shape) extents.push_back(w.u64(extent));
  for (const convc_product& extent : layout.open_shape) {
    open_extents.push_back(product(w, extent));
  }
  return w.record({w.text(layout.member), w.array(extents, "shape"), w.u32(layout.shape.size()),
                   w.u32(CONVC_DTYPE_F32), w.u64(layout.bytes), w.array(open_extents, "open_shape"),
                   product(w, layout.open_elements), product(w, layout.open_gap)},
                  sizeof(convc_tensor));
}

Constant* tensor(DataWriter& w, const Variable& variable) {
  IoTensor layout;
  layout.member = variable.member;
  layout.shape = variable.shape;
  layout.bytes = sizeof(float);
  for (const std::int64_t extent : variable.shape) {
    layout.bytes *= static_cast<std::uint64_t>(extent);
  }
  return tensor(w, layout);
}

/// NULL for an empty matrix.
Constant* matrix(DataWriter& w, const double* numbers, std::int64_t count) {
  Constants elements;
  for (std::int64_t i = 0; i < count; ++i) elements.push_back(w.f64(numbers[i]));
  return w.array(elements, "transform");
}

Constant* packing(DataWriter& w, const convc_packing& p) {
  Constants members = {w.u32(p.kind), w.u32(p.variable), w.u64(p.offset_bytes), w.u64(p.bytes),
                       w.u64(p.variable_elements)};
  for (const std::int64_t number :
       {p.groups, p.filters, p.channels, p.kernel_depth, p.kernel_height, p.kernel_width,
        p.filter_panel, p.channel_block, p.first, p.group_stride, p.filter_stride, p.channel_stride,
        p.depth_stride, p.row_stride, p.column_stride}) {
    members.push_back(w.u64(number));
  }
  for (const std::uint32_t number :
       {p.gamma, p.beta, p.mean, p.variance, p.is_offset, p.merges_groups}) {
    members.push_back(w.u32(number));
  }
  members.push_back(w.f64(p.value));
  members.push_back(w.f64(p.epsilon));
  members.push_back(w.u64(p.transformed_height));
  members.push_back(w.u64(p.transformed_width));
  members.push_back(matrix(w, p.row_transform, p.transformed_height * p.kernel_height));
  members.push_back(matrix(w, p.column_transform, p.transformed_width * p.kernel_width));
  return w.record(members, sizeof(convc_packing));
}

/// The dimensions: one of the two pointers of convc_argument, and NULL.
std::pair<Constant*, Constant*> dims_of(DataWriter& w, const ArgumentLayout& layout) {
  Constants dims;
  const bool fixed = layout.is_fixed();
  for (const convc_open_dim& dim : layout.dims) {
    dims.push_back(
        fixed ? w.record({w.u32(dim.extent.factor), w.u32(dim.stride.factor)}, sizeof(convc_dim))
              : w.record({product(w, dim.extent), product(w, dim.stride)}, sizeof(convc_open_dim)));
  }
  Constant* array = w.array(dims, "dims");
  return fixed ? std::pair(array, w.null()) : std::pair(w.null(), array);
}

Constant* argument(DataWriter& w, const ArgumentLayout& layout,
                   const std::vector<ConstantData>& constants) {
  const bool is_constant = layout.source == CONVC_SOURCE_CONSTANT;
  Constant* data = is_constant ? w.hidden_data(constants.at(layout.index).symbol) : w.null();
  const auto [dims, open_dims] = dims_of(w, layout);
  return w.record(
      {w.u32(layout.source), w.u32(is_constant ? 0 : layout.index), w.u64(layout.offset_bytes),
       data, dims, open_dims, product(w, layout.open_offset[0]), product(w, layout.open_offset[1]),
       w.u32(layout.dims.size()), w.u32(CONVC_DTYPE_F32)},
      sizeof(convc_argument));
}

Constant* step(DataWriter& w, const StepLayout& layout,
               const std::vector<ConstantData>& constants) {
  Constants arguments;
  for (const ArgumentLayout& place : layout.arguments) {
    arguments.push_back(argument(w, place, constants));
  }
  auto* type = llvm::FunctionType::get(llvm::Type::getInt32Ty(w.context()), {w.pointer()}, false);
  llvm::Function* code = w.function(layout.symbol + "_argv", type);
  code->setVisibility(llvm::GlobalValue::HiddenVisibility);
  return w.record({code, w.array(arguments, "arguments"), w.u32(arguments.size()),
                   w.u32(layout.max_tasks), w.text(layout.layer)},
                  sizeof(convc_step));
}

Constant* variant(DataWriter& w, const VariantLayout& layout) {
  Constants packings, steps;
  for (const convc_packing& place : layout.packings) packings.push_back(packing(w, place));
  for (const StepLayout& place : layout.steps) steps.push_back(step(w, place, layout.constants));
  // identity[2] as two members: the same bytes.
  return w.record({w.text(layout.isa), w.u64(layout.cpu_features), w.u64(layout.identity[0]),
                   w.u64(layout.identity[1]), w.u64(layout.packed_bytes),
                   w.u64(layout.workspace_bytes), w.u64(layout.scratch_offset_bytes),
                   w.u64(layout.thread_scratch_bytes), w.array(packings, "packings"),
                   w.array(steps, "steps"), w.u32(packings.size()), w.u32(steps.size())},
                  sizeof(convc_variant));
}

Constant* kernel(DataWriter& w, const std::string& prefix, const KernelInterface& interface,
                 const std::vector<VariantLayout>& layouts) {
  Constants inputs, outputs, variables, variants, sizes;
  for (const IoTensor& input : interface.inputs) inputs.push_back(tensor(w, input));
  for (const IoTensor& output : interface.outputs) outputs.push_back(tensor(w, output));
  for (const Variable& variable : interface.variables) variables.push_back(tensor(w, variable));
  for (const RunTimeSize& entry : interface.sizes.sizes) sizes.push_back(size(w, entry));
  for (const VariantLayout& layout : layouts) variants.push_back(variant(w, layout));
  return w.record(
      {w.u32(CONVC_ABI_VERSION), w.u32(sizeof(convc_kernel)), w.text(prefix),
       w.array(inputs, "inputs"), w.array(outputs, "outputs"), w.array(variables, "variables"),
       w.array(variants, "variants"), w.u32(inputs.size()), w.u32(outputs.size()),
       w.u32(variables.size()), w.u32(variants.size()), w.array(sizes, "sizes"),
       w.u32(sizes.size()), w.u32(interface.sizes.open_count)},
      sizeof(convc_kernel));
}

/// Defines `name`, which passes its parameters on to the runtime's `callee` after the descriptor.
void define_thunk(DataWriter& w, const std::string& name, const char* callee,
                  llvm::GlobalVariable* descriptor, llvm::Type* result,
                  const std::vector<llvm::Type*>& parameters) {
  std::vector<llvm::Type*> callee_parameters = parameters;
  callee_parameters.insert(callee_parameters.begin(), w.pointer());
  llvm::Function* target =
      w.function(callee, llvm::FunctionType::get(result, callee_parameters, false));
  llvm::Function* thunk = w.function(name, llvm::FunctionType::get(result, parameters, false));
  thunk->setDoesNotThrow();
  thunk->setUWTableKind(llvm::UWTableKind::Default);
  llvm::IRBuilder<> builder(llvm::BasicBlock::Create(w.context(), "", thunk));
  std::vector<llvm::Value*> arguments = {descriptor};
  for (llvm::Argument& parameter : thunk->args()) arguments.push_back(&parameter);
  llvm::CallInst* call = builder.CreateCall(target, arguments);
  call->setTailCallKind(llvm::CallInst::TCK_Tail);
  builder.CreateRet(call);
}

}  // namespace

std::string descriptor_object(const std::string& prefix, const KernelInterface& interface,
                              const std::vector<VariantLayout>& variants,
                              const std::string& triple) {
  DataWriter w(prefix, triple);
  Constant* value = kernel(w, prefix, interface, variants);
  auto* descriptor =
      new llvm::GlobalVariable(w.module(), value->getType(), /*isConstant=*/true,
                               llvm::GlobalValue::ExternalLinkage, value, prefix + "_kernel");
  llvm::Type* pointer = w.pointer();
  llvm::Type* size = w.size_type();
  llvm::Type* status = w.status_type();
  if (!interface.variables.empty()) {
    define_thunk(w, prefix + "_pack", "convc_pack", descriptor, status,
                 {pointer, pointer, size, pointer});
  }
  define_thunk(w, prefix + "_run", "convc_run", descriptor, status,
               {pointer, pointer, size, pointer, size, pointer});
  define_thunk(w, prefix + "_packed_bytes", "convc_packed_bytes", descriptor, size, {pointer});
  define_thunk(w, prefix + "_workspace_bytes", "convc_workspace_bytes", descriptor, size,
               {pointer});
  return w.object();
}

std::string constant_object(const ConstantData& constant, const std::string& triple) {
  DataWriter w(constant.symbol, triple);
  Constant* bytes =
      llvm::ConstantDataArray::getString(w.context(), constant.bytes, /*AddNull=*/false);
  auto* global =
      new llvm::GlobalVariable(w.module(), bytes->getType(), /*isConstant=*/true,
                               llvm::GlobalValue::WeakAnyLinkage, bytes, constant.symbol);
  global->setVisibility(llvm::GlobalValue::HiddenVisibility);
  global->setAlignment(llvm::Align(CONVC_ALIGNMENT));
  return w.object();
}

}  // namespace convc
