// oneDNN's convolutions and their gradients, as calls that a program compiled by XLA makes.
//
// Images are [batch, height, width, channels] and kernels [height, width, channels in, channels
// out], as XLA has them. What goes in is float32 or bfloat16, what comes out is float32.

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

// A convolution of some sizes, ready to run.
struct Convolution {
  dnnl::primitive run;
  memory::desc input, kernel, output;  // as XLA has them
  memory ordered_kernel;               // as oneDNN wants it
  dnnl::primitive reorder;             // between both
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

  // Gradients are prepared with a hint of the convolution that they belong to.
  const auto forward = convolution_forward::primitive_desc(
      Cpu(), dnnl::prop_kind::forward_training, direct,
      {Images(input), given, memory::format_tag::nhwc},
      {Kernel(kernel), given, memory::format_tag::any},
      {Images(output), memory::data_type::f32, memory::format_tag::nhwc}, strides, first, last);
  memory::desc ordered;
  if (wanted == Wanted::kOutput) {
    c.run = convolution_forward(forward);
    ordered = forward.weights_desc();
  } else if (wanted == Wanted::kInput) {
    const convolution_backward_data::primitive_desc backward(
        Cpu(), direct, c.input, any_kernel, c.output, strides, first, last, forward);
    c.run = convolution_backward_data(backward);
    ordered = backward.weights_desc();
  } else {
    const convolution_backward_weights::primitive_desc backward(
        Cpu(), direct, c.input, any_kernel, c.output, strides, first, last, forward);
    c.run = convolution_backward_weights(backward);
    ordered = backward.diff_weights_desc();
  }
  const bool from_xla = wanted != Wanted::kKernel;
  c.ordered_kernel = memory(ordered, Cpu());
  c.reorder = dnnl::reorder(dnnl::reorder::primitive_desc(
      Cpu(), from_xla ? c.kernel : ordered, Cpu(), from_xla ? ordered : c.kernel));
  return c;
}

void Run(Wanted wanted, const Convolution& c, void* input_data, void* kernel_data,
         void* output_data) {
  static dnnl::stream stream(Cpu());
  const memory input(c.input, Cpu(), input_data), kernel(c.kernel, Cpu(), kernel_data),
      output(c.output, Cpu(), output_data);
  if (wanted != Wanted::kKernel)
    c.reorder.execute(stream, {{DNNL_ARG_FROM, kernel}, {DNNL_ARG_TO, c.ordered_kernel}});
  if (wanted == Wanted::kOutput)
    c.run.execute(stream, {{DNNL_ARG_SRC, input},
                           {DNNL_ARG_WEIGHTS, c.ordered_kernel},
                           {DNNL_ARG_DST, output}});
  if (wanted == Wanted::kInput)
    c.run.execute(stream, {{DNNL_ARG_DIFF_SRC, input},
                           {DNNL_ARG_WEIGHTS, c.ordered_kernel},
                           {DNNL_ARG_DIFF_DST, output}});
  if (wanted == Wanted::kKernel) {
    c.run.execute(stream, {{DNNL_ARG_SRC, input},
                           {DNNL_ARG_DIFF_WEIGHTS, c.ordered_kernel},
                           {DNNL_ARG_DIFF_DST, output}});
    c.reorder.execute(stream, {{DNNL_ARG_FROM, c.ordered_kernel}, {DNNL_ARG_TO, kernel}});
  }
  stream.wait();
}

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

  std::vector<int64_t> key{static_cast<int64_t>(wanted), bfloat16, stride};
  for (const auto& numbers :
       {before, after, input.dimensions(), kernel.dimensions(), output.dimensions()})
    key.insert(key.end(), numbers.begin(), numbers.end());

  // One at a time, with all threads that oneDNN has: XLA may make several calls at once.
  static std::mutex one_at_a_time;
  static std::map<std::vector<int64_t>, Convolution> prepared;
  const std::lock_guard<std::mutex> lock(one_at_a_time);
  try {
    auto found = prepared.find(key);
    if (found == prepared.end())
      found = prepared
                  .emplace(key, Prepare(wanted, bfloat16, stride, before, after,
                                        input.dimensions(), kernel.dimensions(),
                                        output.dimensions()))
                  .first;
    Run(wanted, found->second, input.untyped_data(), kernel.untyped_data(),
        output.untyped_data());
  } catch (const dnnl::error& error) {
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
