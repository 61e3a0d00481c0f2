// oneDNN's convolutions and their gradients, as calls that a program compiled by XLA makes.
//
// Images are [batch, height, width, channels] and kernels [height, width, channels in, channels
// out], as XLA has them. What goes in is float32 or bfloat16, what comes out is float32.

#include <exception>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "oneapi/dnnl/dnnl.hpp"
#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;
using dnnl::memory;
using Pads = ffi::Span<const int64_t>;  // of height and width
using Sizes = ffi::Span<const int64_t>;

namespace {

enum class Wanted { kOutput, kInput, kKernel };  // the last two are gradients

// What a convolution of some sizes needs to run.
struct Convolution {
  memory::desc input, kernel, output;  // as XLA has them
  memory::desc ordered_kernel;         // as oneDNN wants it
  dnnl::primitive run, reorder;        // the latter between both orders of the kernel
  memory::desc run_room, reorder_room;
};

const dnnl::engine& Cpu() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

// oneDNN calls the sizes of images N, C, H, W and those of kernels O, I, H, W, in whatever order
// they lie in memory.
memory::dims Images(const Sizes& n) { return {n[0], n[3], n[1], n[2]}; }
memory::dims Kernel(const Sizes& n) { return {n[3], n[2], n[0], n[1]}; }

Convolution Prepare(Wanted wanted, bool bfloat16, int64_t stride, const Pads& before,
                    const Pads& after, const Sizes& input, const Sizes& kernel,
                    const Sizes& output) {
  using dnnl::convolution_backward_data, dnnl::convolution_backward_weights,
      dnnl::convolution_forward;
  const auto direct = dnnl::algorithm::convolution_direct;
  const auto given = bfloat16 ? memory::data_type::bf16 : memory::data_type::f32;
  const auto type = [&](Wanted which) {
    return which == wanted ? memory::data_type::f32 : given;
  };
  Convolution c;
  c.input = {Images(input), type(Wanted::kInput), memory::format_tag::nhwc};
  c.output = {Images(output), type(Wanted::kOutput), memory::format_tag::nhwc};
  c.kernel = {Kernel(kernel), type(Wanted::kKernel), memory::format_tag::hwio};
  const memory::desc any_kernel(Kernel(kernel), type(Wanted::kKernel), memory::format_tag::any);
  const memory::dims strides{stride, stride}, first{before[0], before[1]},
      last{after[0], after[1]};
  // Room of its own oneDNN may tie to the thread that prepares, and XLA calls from several.
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);

  // Gradients are prepared with a hint of the convolution that they belong to.
  const auto forward = convolution_forward::primitive_desc(
      Cpu(), dnnl::prop_kind::forward_training, direct,
      {Images(input), given, memory::format_tag::nhwc},
      {Kernel(kernel), given, memory::format_tag::any},
      {Images(output), memory::data_type::f32, memory::format_tag::nhwc}, strides, first, last,
      attr);
  if (wanted == Wanted::kOutput) {
    c.run = convolution_forward(forward);
    c.ordered_kernel = forward.weights_desc();
    c.run_room = forward.scratchpad_desc();
  } else if (wanted == Wanted::kInput) {
    const convolution_backward_data::primitive_desc backward(
        Cpu(), direct, c.input, any_kernel, c.output, strides, first, last, forward, attr);
    c.run = convolution_backward_data(backward);
    c.ordered_kernel = backward.weights_desc();
    c.run_room = backward.scratchpad_desc();
  } else {
    const convolution_backward_weights::primitive_desc backward(
        Cpu(), direct, c.input, any_kernel, c.output, strides, first, last, forward, attr);
    c.run = convolution_backward_weights(backward);
    c.ordered_kernel = backward.diff_weights_desc();
    c.run_room = backward.scratchpad_desc();
  }
  const bool from_xla = wanted != Wanted::kKernel;
  const dnnl::reorder::primitive_desc reorder(Cpu(), from_xla ? c.kernel : c.ordered_kernel, Cpu(),
                                              from_xla ? c.ordered_kernel : c.kernel, attr);
  c.reorder = dnnl::reorder(reorder);
  c.reorder_room = reorder.scratchpad_desc();
  return c;
}

// Memory of a description in a room that all calls share, and that grows with them.
memory Lend(memory& room, const memory::desc& wanted) {
  const auto size = static_cast<int64_t>(wanted.get_size());
  if (!room || room.get_desc().get_size() < wanted.get_size())
    room = memory({{size}, memory::data_type::u8, memory::format_tag::a}, Cpu());
  return memory(wanted, Cpu(), room.get_data_handle());
}

void Run(Wanted wanted, const Convolution& c, void* input_data, void* kernel_data,
         void* output_data) {
  static dnnl::stream stream(Cpu());
  static memory kernel_room, run_room, reorder_room;
  const memory input(c.input, Cpu(), input_data), kernel(c.kernel, Cpu(), kernel_data),
      output(c.output, Cpu(), output_data), ordered_kernel = Lend(kernel_room, c.ordered_kernel),
      scratch = Lend(run_room, c.run_room);
  const auto reorder = [&](const memory& from, const memory& to) {
    c.reorder.execute(stream, {{DNNL_ARG_FROM, from},
                               {DNNL_ARG_TO, to},
                               {DNNL_ARG_SCRATCHPAD, Lend(reorder_room, c.reorder_room)}});
  };
  if (wanted != Wanted::kKernel) reorder(kernel, ordered_kernel);
  if (wanted == Wanted::kOutput)
    c.run.execute(stream, {{DNNL_ARG_SRC, input},
                           {DNNL_ARG_WEIGHTS, ordered_kernel},
                           {DNNL_ARG_DST, output},
                           {DNNL_ARG_SCRATCHPAD, scratch}});
  if (wanted == Wanted::kInput)
    c.run.execute(stream, {{DNNL_ARG_DIFF_SRC, input},
                           {DNNL_ARG_WEIGHTS, ordered_kernel},
                           {DNNL_ARG_DIFF_DST, output},
                           {DNNL_ARG_SCRATCHPAD, scratch}});
  if (wanted == Wanted::kKernel) {
    c.run.execute(stream, {{DNNL_ARG_SRC, input},
                           {DNNL_ARG_DIFF_WEIGHTS, ordered_kernel},
                           {DNNL_ARG_DIFF_DST, output},
                           {DNNL_ARG_SCRATCHPAD, scratch}});
    reorder(ordered_kernel, kernel);
  }
  stream.wait();
}

// One at a time, with all threads that oneDNN has: XLA may make several calls at once.
std::mutex one_at_a_time;
std::map<std::vector<int64_t>, Convolution> prepared;

// `first` and `second` are the other two, in the order input, kernel, output.
template <Wanted wanted>
ffi::Error Convolve(int64_t stride, Pads before, Pads after, ffi::AnyBuffer first,
                    ffi::AnyBuffer second, ffi::Result<ffi::AnyBuffer> result) {
  const ffi::AnyBuffer& made = *result;
  const ffi::AnyBuffer& input = wanted == Wanted::kInput ? made : first;
  const ffi::AnyBuffer& kernel = wanted == Wanted::kKernel ? made
                                 : wanted == Wanted::kInput ? first : second;
  const ffi::AnyBuffer& output = wanted == Wanted::kOutput ? made : second;
  const bool bfloat16 = first.element_type() == ffi::BF16;
  if (first.element_type() != second.element_type() ||
      (!bfloat16 && first.element_type() != ffi::F32))
    return ffi::Error::InvalidArgument("both must be float32, or both bfloat16");
  const std::lock_guard<std::mutex> lock(one_at_a_time);
  try {
    std::vector<int64_t> key{static_cast<int64_t>(wanted), bfloat16, stride};
    for (const auto& numbers :
         {before, after, input.dimensions(), kernel.dimensions(), output.dimensions()})
      key.insert(key.end(), numbers.begin(), numbers.end());
    auto found = prepared.find(key);
    if (found == prepared.end())
      found = prepared
                  .emplace(key, Prepare(wanted, bfloat16, stride, before, after,
                                        input.dimensions(), kernel.dimensions(),
                                        output.dimensions()))
                  .first;
    Run(wanted, found->second, input.untyped_data(), kernel.untyped_data(),
        output.untyped_data());
  } catch (const std::exception& error) {
    return ffi::Error::Internal(std::string("oneDNN: ") + error.what());
  }
  return ffi::Error::Success();
}

auto Call() {
  return ffi::Ffi::Bind()
      .Attr<int64_t>("stride")
      .Attr<Pads>("before")
      .Attr<Pads>("after")
      .Arg<ffi::AnyBuffer>()
      .Arg<ffi::AnyBuffer>()
      .Ret<ffi::AnyBuffer>();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(output, Convolve<Wanted::kOutput>, Call());
XLA_FFI_DEFINE_HANDLER_SYMBOL(input_gradient, Convolve<Wanted::kInput>, Call());
XLA_FFI_DEFINE_HANDLER_SYMBOL(kernel_gradient, Convolve<Wanted::kKernel>, Call());
