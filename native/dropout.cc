#include "dropout.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <cmath>
#include <mutex>

#include "vectorised.h"

namespace dream {

namespace {

// Two rounds of a 32-bit mixer over the place, each begun with half of the seed.
inline uint32_t mixed(uint32_t place, uint32_t low, uint32_t high) {
  uint32_t x = place ^ low;
  x ^= x >> 16;
  x *= 0x7feb352dU;
  x ^= x >> 15;
  x *= 0x846ca68bU;
  x ^= x >> 16;
  x += high;
  x ^= x >> 15;
  x *= 0x2c1b3c6dU;
  x ^= x >> 12;
  x *= 0x297a2d39U;
  x ^= x >> 15;
  return x;
}

DREAM_VECTORISED void drop_floats(const float* from, float* to, int64_t count, uint32_t first, uint32_t low,
                                  uint32_t high, uint32_t limit, float scale) {
  for (int64_t i = 0; i < count; i++)
    to[i] = mixed(first + static_cast<uint32_t>(i), low, high) < limit ? 0.0f : from[i] * scale;
}

struct Dropout : torch::autograd::Function<Dropout> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, double share,
                            int64_t seed) {
    context->saved_data["share"] = share;
    context->saved_data["seed"] = seed;
    return dropped(x, share, static_cast<uint64_t>(seed));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto seed = static_cast<uint64_t>(context->saved_data["seed"].toInt());
    return {dropped(gradients[0], context->saved_data["share"].toDouble(), seed), at::Tensor(), at::Tensor()};
  }
};

at::Tensor dropout(const at::Tensor& x, double share) {
  TORCH_CHECK(share >= 0 && share < 1, "dropout takes a share from 0 to below 1, got ", share);
  if (!x.is_cpu()) return at::dropout(x, share, true);
  return Dropout::apply(x, share, static_cast<int64_t>(dropout_seed()));
}

}  // namespace

uint64_t dropout_seed() {
  auto generator = at::detail::getDefaultCPUGenerator();
  std::lock_guard<std::mutex> lock(generator.mutex());
  return at::check_generator<at::CPUGeneratorImpl>(generator)->random64();
}

at::Tensor dropped(const at::Tensor& x, double share, uint64_t seed) {
  const at::Tensor from = x.to(at::kFloat).contiguous();
  at::Tensor to = at::empty_like(from);
  const auto limit = static_cast<uint32_t>(std::llround(share * 4294967296.0));
  const auto scale = static_cast<float>(1 / (1 - share));
  const float* in = from.data_ptr<float>();
  float* out = to.data_ptr<float>();
  at::parallel_for(0, from.numel(), 1 << 15, [&](int64_t begin, int64_t end) {
    // Places beyond 32 bits begin anew with another half of the seed.
    for (int64_t at = begin; at < end;) {
      const int64_t block = at >> 32;
      const int64_t stop = std::min(end, (block + 1) << 32);
      drop_floats(in + at, out + at, stop - at, static_cast<uint32_t>(at), static_cast<uint32_t>(seed),
                  static_cast<uint32_t>(seed >> 32) + static_cast<uint32_t>(block) * 0x9e3779b9U, limit, scale);
      at = stop;
    }
  });
  return to.to(x.scalar_type());
}

}  // namespace dream

TORCH_LIBRARY_FRAGMENT(dream, library) {
  library.def("dropout(Tensor x, float share) -> Tensor", &dream::dropout);
}
