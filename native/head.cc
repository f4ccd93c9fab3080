// The diffusion head on the CPU, as a drawing asks it: few rows, hundreds of times, always the same weights. A BLAS lays a matrix out anew for
// each product, which for few rows takes longer than the product; here weights are laid out once, and a step is one call.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "vectorised.h"

namespace dream {

namespace {

// Output features that are computed together.
constexpr int64_t kLanes = 16;

// Operations that are worth a thread.
constexpr int64_t kGrain = 1 << 18;

// A Linear's weight [out, in] and bias [out] in panels of features: [ceil(out / 16), 1 + in, 16], the bias first, zeros behind.
at::Tensor pack_linear(const at::Tensor& weight, const at::Tensor& bias) {
  TORCH_CHECK(weight.dim() == 2 && bias.dim() == 1 && bias.size(0) == weight.size(0), "a linear layer has a weight [out, in] and a bias [out], got ",
              weight.sizes(), " and ", bias.sizes());
  const int64_t out = weight.size(0), in = weight.size(1), panels = (out + kLanes - 1) / kLanes;
  at::Tensor rows = at::zeros({panels * kLanes, 1 + in}, weight.options());
  rows.narrow(0, 0, out).select(1, 0).copy_(bias);
  rows.narrow(0, 0, out).narrow(1, 1, in).copy_(weight);
  return rows.reshape({panels, kLanes, 1 + in}).transpose(1, 2).contiguous();
}

// Some rows by one panel.
struct Tile {
  const float* x;      // [in, Rows]
  int64_t in;
  const float* panel;  // [1 + in, 16]
  float* out;          // [Rows, features of the panel], rows `stride` apart
  int64_t stride;
  int64_t features;
  const float* ahead;  // weights of the next panel, which memory is asked for: a line at each so many-th input
  int64_t every;
};

// In vectors of so many lanes. Compiled for each vector unit by name: the compiler takes vectors apart that are not the unit's own, and does so
// before it makes clones of a function.
#define DREAM_MULTIPLY_ROWS(name, lanes, target)                                                                     \
  template <int Rows>                                                                                                \
  target void name(const Tile& tile) {                                                                               \
    typedef float Vector __attribute__((vector_size(lanes * sizeof(float)), aligned(sizeof(float))));                \
    constexpr int kParts = kLanes / lanes;                                                                           \
    const float *x = tile.x, *panel = tile.panel, *ahead = tile.ahead;                                               \
    const int64_t in = tile.in;                                                                                      \
    Vector sums[Rows][kParts];                                                                                       \
    _Pragma("GCC unroll 8") for (int r = 0; r < Rows; r++)                                                           \
      _Pragma("GCC unroll 8") for (int p = 0; p < kParts; p++)                                                       \
        sums[r][p] = *reinterpret_cast<const Vector*>(panel + p * lanes);                                            \
    int64_t until = tile.every;                                                                                      \
    for (int64_t k = 0; k < in; k++, x += Rows) {                                                                    \
      if (--until == 0) {                                                                                            \
        __builtin_prefetch(ahead, 0, 2);                                                                             \
        ahead += kLanes;                                                                                             \
        until = tile.every;                                                                                          \
      }                                                                                                              \
      panel += kLanes;                                                                                               \
      Vector weights[kParts];                                                                                        \
      _Pragma("GCC unroll 8") for (int p = 0; p < kParts; p++)                                                       \
        weights[p] = *reinterpret_cast<const Vector*>(panel + p * lanes);                                            \
      _Pragma("GCC unroll 8") for (int r = 0; r < Rows; r++)                                                         \
        _Pragma("GCC unroll 8") for (int p = 0; p < kParts; p++) sums[r][p] += x[r] * weights[p];                    \
    }                                                                                                                \
    float* out = tile.out;                                                                                           \
    _Pragma("GCC unroll 8") for (int r = 0; r < Rows; r++, out += tile.stride)                                       \
      _Pragma("GCC unroll 8") for (int p = 0; p < kParts; p++)                                                       \
        if (tile.features == kLanes)                                                                                 \
          *reinterpret_cast<Vector*>(out + p * lanes) = sums[r][p];                                                  \
        else                                                                                                         \
          for (int64_t l = 0; l < lanes && p * lanes + l < tile.features; l++) out[p * lanes + l] = sums[r][p][l];   \
  }

using MultiplyRows = void (*)(const Tile&);

// By how many rows; the last is the most that registers hold.
constexpr int64_t kMostRows = 6;
using MultiplyTable = MultiplyRows[kMostRows + 1];

#define DREAM_MULTIPLY_TABLE(name) {nullptr, name<1>, name<2>, name<3>, name<4>, name<5>, name<6>}

DREAM_MULTIPLY_ROWS(multiply_rows, 4, )
const MultiplyTable kPlain = DREAM_MULTIPLY_TABLE(multiply_rows);

#if defined(__x86_64__)
DREAM_MULTIPLY_ROWS(multiply_rows_avx2, 8, __attribute__((target("avx2,fma"))))
DREAM_MULTIPLY_ROWS(multiply_rows_avx512, 16, __attribute__((target("avx512f"))))
const MultiplyTable kAvx2 = DREAM_MULTIPLY_TABLE(multiply_rows_avx2);
const MultiplyTable kAvx512 = DREAM_MULTIPLY_TABLE(multiply_rows_avx512);
#endif

const MultiplyTable& fitting_table() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) return kAvx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return kAvx2;
#endif
  return kPlain;
}

// Rows as tiles read them, of each block of rows a column after another: rows of 4 KB stand in one another's way in the caches.
void interleave(const float* x, int64_t rows, int64_t in, int64_t together, float* out) {
  at::parallel_for(0, (rows + together - 1) / together, std::max<int64_t>(1, kGrain / (8 * together * in)),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t block = begin; block < end; block++) {
                       const int64_t first = block * together, count = std::min(together, rows - first);
                       const float* from = x + first * in;
                       float* to = out + first * in;
                       for (int64_t k = 0; k < in; k++)
                         for (int64_t r = 0; r < count; r++) *to++ = from[r * in + k];
                     }
                   });
}

// x W^T + b. @param x [rows, in] @param layer what `pack_linear` gives @param room for as many numbers as x has
void multiply(const float* x, int64_t rows, const at::Tensor& layer, float* out, int64_t features, float* room) {
  const int64_t panels = layer.size(0), in = layer.size(1) - 1;
  const float* data = layer.data_ptr<float>();
  static const MultiplyTable& table = fitting_table();
  // As even as can be: eight rows are four and four.
  const int64_t blocks = (rows + kMostRows - 1) / kMostRows, together = (rows + blocks - 1) / blocks;
  interleave(x, rows, in, together, room);
  const int64_t grain = std::max<int64_t>(1, kGrain / (2 * rows * in * kLanes));
  at::parallel_for(0, panels, grain, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; p++) {
      const float *panel = data + p * (in + 1) * kLanes, *ahead = panel + (in + 1) * kLanes;
      for (int64_t r = 0; r < rows; r += together, ahead += in / blocks * kLanes) {
        const int64_t count = std::min(together, rows - r);
        table[count]({room + r * in, in, panel, out + r * features + p * kLanes, features,
                      std::min(kLanes, features - p * kLanes), ahead, blocks});
      }
    }
  });
}

// One row normalised to mean 0 and variance 1, by the norm's own scale and shift where it has them, then by the condition's.
DREAM_VECTORISED void modulate_row(const float* x, int64_t width, const float* weight, const float* bias,
                                   const float* shift, const float* scale, float* out) {
  constexpr float kEpsilon = 1e-6f;
  float lanes[16] = {};
  int64_t i = 0;
  for (; i + 16 <= width; i += 16)
    for (int l = 0; l < 16; l++) lanes[l] += x[i + l];
  float mean = 0;
  for (; i < width; i++) mean += x[i];
  for (float lane : lanes) mean += lane;
  mean /= static_cast<float>(width);
  float squares[16] = {};
  float variance = 0;
  for (i = 0; i + 16 <= width; i += 16)
    for (int l = 0; l < 16; l++) squares[l] += (x[i + l] - mean) * (x[i + l] - mean);
  for (; i < width; i++) variance += (x[i] - mean) * (x[i] - mean);
  for (float lane : squares) variance += lane;
  const float factor = 1 / std::sqrt(variance / static_cast<float>(width) + kEpsilon);
  if (weight == nullptr) {
    for (i = 0; i < width; i++) out[i] = (x[i] - mean) * factor * (scale[i] + 1) + shift[i];
  } else {
    for (i = 0; i < width; i++)
      out[i] = ((x[i] - mean) * factor * weight[i] + bias[i]) * (scale[i] + 1) + shift[i];
  }
}

DREAM_VECTORISED void add_gated(float* x, const float* gate, const float* y, int64_t width) {
  for (int64_t i = 0; i < width; i++) x[i] += gate[i] * y[i];
}

template <typename Body>
void for_rows(int64_t rows, int64_t width, const Body& body) {
  at::parallel_for(0, rows, std::max<int64_t>(1, kGrain / (16 * width)), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) body(r);
  });
}

// What the head says (src/models/dream/diffusion-head.ts has it in parts, and the names of the layers).
// x [P, C]; time [1, W]; condition [P, W], or [2 P, W]: then the states are looked at twice.
// layers: the input's; every modulation's, one below another; of each block the norm's weight and bias, fc1's and fc2's; the last one's.
at::Tensor denoise(const at::Tensor& x, const at::Tensor& time, const at::Tensor& condition, at::TensorList layers,
                   int64_t features) {
  constexpr size_t kPerBlock = 4;
  const int64_t states = x.size(0), rows = condition.size(0), W = condition.size(1);
  const auto depth = static_cast<int64_t>((layers.size() - 3) / kPerBlock);
  TORCH_CHECK(layers.size() == 3 + kPerBlock * depth && x.is_contiguous() && x.scalar_type() == at::kFloat &&
                  x.size(1) + 1 == layers[0].size(1) && (rows == states || rows == 2 * states),
              "a head of ", depth, " blocks takes dense float32 states that fit its conditions, got ", x.sizes(), " and ",
              condition.sizes());
  const at::Tensor y = at::silu(condition + time);
  const int64_t modulations = (3 * depth + 2) * W;
  const at::Tensor modulation = at::empty({rows, modulations}, y.options());
  const at::Tensor space = at::empty({rows * std::max(W, x.size(1))}, y.options());
  float* room = space.data_ptr<float>();
  multiply(y.data_ptr<float>(), rows, layers[1], modulation.data_ptr<float>(), modulations, room);
  const at::Tensor hidden = at::empty({rows, W}, y.options()), first = at::empty_like(hidden), second = at::empty_like(hidden);
  float *h = hidden.data_ptr<float>(), *a = first.data_ptr<float>(), *b = second.data_ptr<float>();
  multiply(x.data_ptr<float>(), states, layers[0], h, W, room);
  if (rows > states) std::memcpy(h + states * W, h, sizeof(float) * states * W);
  const float* m = modulation.data_ptr<float>();
  for (int64_t block = 0; block < depth; block++, m += 3 * W) {
    const at::Tensor* layer = &layers[2 + kPerBlock * block];
    const float *weight = layer[0].data_ptr<float>(), *bias = layer[1].data_ptr<float>();
    for_rows(rows, W, [&](int64_t r) {
      const float* own = m + r * modulations;
      modulate_row(h + r * W, W, weight, bias, own, own + W, a + r * W);
    });
    multiply(a, rows, layer[2], b, W, room);
    at::silu_(const_cast<at::Tensor&>(second));
    multiply(b, rows, layer[3], a, W, room);
    for_rows(rows, W, [&](int64_t r) { add_gated(h + r * W, m + r * modulations + 2 * W, a + r * W, W); });
  }
  for_rows(rows, W, [&](int64_t r) {
    const float* own = m + r * modulations;
    modulate_row(h + r * W, W, nullptr, nullptr, own, own + W, a + r * W);
  });
  const at::Tensor out = at::empty({rows, features}, y.options());
  multiply(a, rows, layers[layers.size() - 1], out.data_ptr<float>(), features, room);
  return out;
}

}  // namespace

}  // namespace dream

TORCH_LIBRARY_FRAGMENT(dream, library) {
  library.def("pack_linear(Tensor weight, Tensor bias) -> Tensor", &dream::pack_linear);
  library.def("denoise(Tensor x, Tensor time, Tensor condition, Tensor[] layers, int features) -> Tensor", &dream::denoise);
}
