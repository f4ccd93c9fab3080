// Gradients: what the dispatcher does not offer as an operator.
#include "autograd.h"

#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/version.h>

namespace dream {

namespace {

napi_value set_requires_grad(Call& call) {
  call.tensor(0).set_requires_grad(call.boolean(1));
  return undefined(call.env());
}

napi_value requires_grad(Call& call) { return from_boolean(call.env(), call.tensor(0).requires_grad()); }

// gradient(slot) -> slot of its accumulated gradient, or 0.
napi_value gradient(Call& call) { return from_tensor(call.env(), call.instance(), call.tensor(0).grad()); }

// set_gradient(slot, slot | 0)
napi_value set_gradient(Call& call) {
  const int32_t slot = call.integer(1);
  call.tensor(0).mutable_grad() = slot == 0 ? at::Tensor() : call.tensor(1);
  return undefined(call.env());
}

// backward(outputs, output_gradients, keep_graph); no output gradients means ones, for scalars.
napi_value backward(Call& call) {
  torch::autograd::backward(call.tensors(0), call.tensors(1), call.boolean(2));
  return undefined(call.env());
}

// gradients(outputs, inputs, output_gradients, keep_graph, create_graph) -> slots, 0 where an input is not reached.
napi_value gradients(Call& call) {
  const auto found = torch::autograd::grad(call.tensors(0), call.tensors(1), call.tensors(2), call.boolean(3),
                                           call.boolean(4), /*allow_unused=*/true);
  napi_value result;
  napi_create_array_with_length(call.env(), found.size(), &result);
  for (size_t i = 0; i < found.size(); i++)
    napi_set_element(call.env(), result, i, from_tensor(call.env(), call.instance(), found[i]));
  return result;
}

// set_grad_mode(enabled) -> what it was.
napi_value set_grad_mode(Call& call) {
  const bool before = c10::GradMode::is_enabled();
  c10::GradMode::set_enabled(call.boolean(0));
  return from_boolean(call.env(), before);
}

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
void enable_autocast(const at::Device& device, bool enabled, at::ScalarType dtype) {
  at::autocast::set_autocast_enabled(device.type(), enabled);
  at::autocast::set_autocast_dtype(device.type(), dtype);
}
#else
void enable_autocast(const at::Device& device, bool enabled, at::ScalarType dtype) {
  if (device.is_cpu()) {
    at::autocast::set_cpu_enabled(enabled);
    at::autocast::set_autocast_cpu_dtype(dtype);
  } else {
    at::autocast::set_enabled(enabled);
    at::autocast::set_autocast_gpu_dtype(dtype);
  }
}
#endif

// enter_autocast(device, dtype): casts cached within one region are shared by its operators.
napi_value enter_autocast(Call& call) {
  enable_autocast(parse_device(call.string(0)), true, static_cast<at::ScalarType>(call.integer(1)));
  at::autocast::increment_nesting();
  return undefined(call.env());
}

// leave_autocast(device, dtype, still_inside): the outermost region clears the cache of casts.
napi_value leave_autocast(Call& call) {
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  enable_autocast(parse_device(call.string(0)), call.boolean(2), static_cast<at::ScalarType>(call.integer(1)));
  return undefined(call.env());
}

}  // namespace

std::vector<Export> autograd_exports() {
  return {{"setRequiresGrad", exported<set_requires_grad>},
          {"requiresGrad", exported<requires_grad>},
          {"gradient", exported<gradient>},
          {"setGradient", exported<set_gradient>},
          {"backward", exported<backward>},
          {"gradients", exported<gradients>},
          {"setGradMode", exported<set_grad_mode>},
          {"enterAutocast", exported<enter_autocast>},
          {"leaveAutocast", exported<leave_autocast>}};
}

}  // namespace dream
