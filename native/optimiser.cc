// What an optimiser's step does to every number, in one pass over memory each: AdamW, a moving average, and the norm of all gradients.
// Composed of libtorch's operators the same takes three times as many passes. On a GPU libtorch has them fused already.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/library.h>
#include <torch/version.h>

#include <cmath>
#include <vector>

#include "vectorised.h"

namespace dream {

namespace {

constexpr int64_t kChunk = 1 << 14;

// One step's factors, the corrections of both moments' bias among them.
struct Step {
  float gradient_factor, kept, beta1, beta2, rate, correction, epsilon;
};

DREAM_VECTORISED void adamw_floats(float* parameter, const float* gradient, float* mean, float* square, int64_t count,
                                   const Step& step) {
  const Step s = step;
  for (int64_t i = 0; i < count; i++) {
    const float g = gradient[i] * s.gradient_factor;
    const float m = mean[i] * s.beta1 + g * (1 - s.beta1);
    const float v = square[i] * s.beta2 + g * g * (1 - s.beta2);
    mean[i] = m;
    square[i] = v;
    parameter[i] = parameter[i] * s.kept - s.rate * m / (std::sqrt(v) / s.correction + s.epsilon);
  }
}

DREAM_VECTORISED void average_floats(float* average, const float* value, int64_t count, float share) {
  for (int64_t i = 0; i < count; i++) average[i] += share * (value[i] - average[i]);
}

DREAM_VECTORISED double sum_of_squares(const float* x, int64_t count) {
  double lanes[8] = {};
  int64_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (int lane = 0; lane < 8; lane++) lanes[lane] += static_cast<double>(x[i + lane]) * x[i + lane];
  for (; i < count; i++) lanes[0] += static_cast<double>(x[i]) * x[i];
  double sum = 0;
  for (double lane : lanes) sum += lane;
  return sum;
}

void require_dense(const at::Tensor& x, const char* what) {
  TORCH_CHECK(x.scalar_type() == at::kFloat && x.is_contiguous(), "the optimiser takes dense float32 ", what, ", got ",
              x.scalar_type());
}

bool on_cpu(at::TensorList tensors) { return tensors.empty() || tensors[0].is_cpu(); }

#if TORCH_VERSION_MAJOR >= 2
void adamw_fused(at::TensorList parameters, at::TensorList gradients, at::TensorList means, at::TensorList squares,
                 int64_t step, double rate, double beta1, double beta2, double decay, double epsilon, double factor) {
  if (parameters.empty()) return;
  const auto options = parameters[0].options().requires_grad(false);
  const std::vector<at::Tensor> steps(parameters.size(), at::full({}, static_cast<double>(step), options));
  const at::Tensor divisor = at::full({}, 1 / factor, options);
  at::_fused_adamw_(parameters, gradients, means, squares, {}, steps, rate, beta1, beta2, decay, epsilon, false, false,
                    divisor);
}
#endif

// AdamW for every parameter; `decayed` says which ones decay, `factor` multiplies the gradients before (clipping).
void adamw(at::TensorList parameters, at::TensorList gradients, at::TensorList means, at::TensorList squares,
           const c10::List<bool>& decayed, int64_t step, double rate, double beta1, double beta2, double decay,
           double epsilon, double factor) {
  if (!on_cpu(parameters)) {
#if TORCH_VERSION_MAJOR >= 2
    std::vector<at::Tensor> parts[2][4];
    for (size_t i = 0; i < parameters.size(); i++) {
      auto& part = parts[decayed.get(i) ? 1 : 0];
      part[0].push_back(parameters[i]);
      part[1].push_back(gradients[i]);
      part[2].push_back(means[i]);
      part[3].push_back(squares[i]);
    }
    for (int decays = 0; decays < 2; decays++)
      adamw_fused(parts[decays][0], parts[decays][1], parts[decays][2], parts[decays][3], step, rate, beta1, beta2,
                  decays * decay, epsilon, factor);
    return;
#else
    TORCH_CHECK(false, "training on a GPU takes libtorch 2");
#endif
  }
  Step s;
  s.gradient_factor = static_cast<float>(factor);
  s.beta1 = static_cast<float>(beta1);
  s.beta2 = static_cast<float>(beta2);
  s.rate = static_cast<float>(rate / (1 - std::pow(beta1, step)));
  s.correction = static_cast<float>(std::sqrt(1 - std::pow(beta2, step)));
  s.epsilon = static_cast<float>(epsilon);
  for (size_t i = 0; i < parameters.size(); i++) {
    const at::Tensor gradient = gradients[i].contiguous();
    require_dense(parameters[i], "parameters");
    require_dense(gradient, "gradients");
    s.kept = static_cast<float>(decayed.get(i) ? 1 - rate * decay : 1);
    float* p = parameters[i].data_ptr<float>();
    const float* g = gradient.data_ptr<float>();
    float* m = means[i].data_ptr<float>();
    float* v = squares[i].data_ptr<float>();
    at::parallel_for(0, parameters[i].numel(), kChunk, [&](int64_t begin, int64_t end) {
      adamw_floats(p + begin, g + begin, m + begin, v + begin, end - begin, s);
    });
  }
}

// Moves every average towards its value by a share of the distance.
void average(at::TensorList averages, at::TensorList values, double share) {
  if (!on_cpu(averages)) {
#if TORCH_VERSION_MAJOR >= 2
    at::_foreach_lerp_(averages, values, share);
    return;
#else
    TORCH_CHECK(false, "training on a GPU takes libtorch 2");
#endif
  }
  for (size_t i = 0; i < averages.size(); i++) {
    require_dense(averages[i], "averages");
    const at::Tensor value = values[i].contiguous();
    float* a = averages[i].data_ptr<float>();
    const float* x = value.data_ptr<float>();
    at::parallel_for(0, averages[i].numel(), kChunk, [&](int64_t begin, int64_t end) {
      average_floats(a + begin, x + begin, end - begin, static_cast<float>(share));
    });
  }
}

// The norm of all numbers together. Sums of fixed chunks, so that it does not depend on the number of threads.
at::Tensor norm(at::TensorList tensors) {
  if (!on_cpu(tensors)) return at::stack(at::_foreach_norm(tensors, 2)).norm();
  double sum = 0;
  for (const at::Tensor& tensor : tensors) {
    const at::Tensor x = tensor.contiguous();
    require_dense(x, "gradients");
    const int64_t chunks = (x.numel() + kChunk - 1) / kChunk;
    std::vector<double> sums(chunks);
    const float* data = x.data_ptr<float>();
    at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t chunk = begin; chunk < end; chunk++)
        sums[chunk] = sum_of_squares(data + chunk * kChunk, std::min(kChunk, x.numel() - chunk * kChunk));
    });
    for (double one : sums) sum += one;
  }
  return at::full({}, std::sqrt(sum), at::kDouble).to(at::kFloat);
}

}  // namespace

}  // namespace dream

TORCH_LIBRARY_FRAGMENT(dream, library) {
  library.def(
      "adamw_(Tensor(a!)[] parameters, Tensor[] gradients, Tensor(b!)[] means, Tensor(c!)[] squares, bool[] decayed, "
      "int step, float rate, float beta1, float beta2, float decay, float epsilon, float factor) -> ()",
      &dream::adamw);
  library.def("average_(Tensor(a!)[] averages, Tensor[] values, float share) -> ()", &dream::average);
  library.def("norm(Tensor[] tensors) -> Tensor", &dream::norm);
}
