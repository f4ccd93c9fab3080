// Attention of heads, for libtorch 1, which has no fused one: without MKL its batched product takes one matrix after another and
// spends more on addressing than on arithmetic. Here heads are multiplied where they lie in their projections, without a copy, on
// all threads. Registered as operators, so that they are found by name like libtorch's own.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>
#include <torch/version.h>

#include "dropout.h"

#if TORCH_VERSION_MAJOR < 2

// The BLAS that libtorch is linked with. It is single-threaded inside a parallel region.
extern "C" __attribute__((weak)) void sgemm_(const char* transa, const char* transb, const int* m, const int* n,
                                             const int* k, const float* alpha, const float* a, const int* lda,
                                             const float* b, const int* ldb, const float* beta, float* c,
                                             const int* ldc);

namespace dream {

namespace {

using at::Tensor;
using OptionalTensor = c10::optional<Tensor>;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// A row-major matrix for each head of each image.
struct Matrices {
  float* data;
  int64_t image;
  int64_t head;
  int row;

  float* at(int64_t b, int64_t h) const { return data + b * image + h * head; }
};

// Heads side by side in [B, N, heads d].
Matrices side_by_side(const Tensor& x, int64_t heads) {
  return {x.data_ptr<float>(), x.stride(0), x.size(2) / heads, static_cast<int>(x.stride(1))};
}

// Heads one after another in [B, heads, N, M].
Matrices stacked(const Tensor& x) {
  return {x.data_ptr<float>(), x.stride(0), x.stride(1), static_cast<int>(x.stride(2))};
}

// c [m, n] = alpha a b, where `T` turns a [k, m] or b [n, k].
void multiply(char turn_a, char turn_b, int m, int n, int k, float alpha, const float* a, int row_a, const float* b,
              int row_b, float* c, int row_c) {
  const float zero = 0;
  // BLAS counts by columns: the turned product of the turned factors.
  sgemm_(&turn_b, &turn_a, &n, &m, &k, &alpha, b, &row_b, a, &row_a, &zero, c, &row_c);
}

// For every head: c [m, n] = alpha a b.
void multiply_heads(int64_t images, int64_t heads, char turn_a, char turn_b, int64_t m, int64_t n, int64_t k,
                    float alpha, const Matrices& a, const Matrices& b, const Matrices& c) {
  at::parallel_for(0, images * heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t image = i / heads, head = i % heads;
      multiply(turn_a, turn_b, m, n, k, alpha, a.at(image, head), a.row, b.at(image, head), b.row,
               c.at(image, head), c.row);
    }
  });
}

// Sizes of one attention, and its factors as they lie.
struct Attention {
  Tensor q;   // [B, N, D]
  Tensor kv;  // [B, M, 2 D]
  int64_t heads;

  int64_t images() const { return q.size(0); }
  int64_t queries() const { return q.size(1); }
  int64_t places() const { return kv.size(1); }
  int64_t width() const { return q.size(2); }
  int64_t head_width() const { return width() / heads; }
  float scale() const { return 1 / std::sqrt(static_cast<float>(head_width())); }
  Matrices keys() const { return side_by_side(kv.narrow(2, 0, width()), heads); }
  Matrices values() const { return side_by_side(kv.narrow(2, width(), width()), heads); }
};

// softmax(q k^T / sqrt(d) + mask), [B, heads, N, M].
Tensor attention_weights(const Attention& a, const OptionalTensor& mask) {
  Tensor scores = at::empty({a.images(), a.heads, a.queries(), a.places()}, a.q.options());
  multiply_heads(a.images(), a.heads, 'N', 'T', a.queries(), a.places(), a.head_width(), a.scale(),
                 side_by_side(a.q, a.heads), a.keys(), stacked(scores));
  if (mask.has_value()) scores.add_(*mask);
  return at::_softmax(scores, -1, false);
}

// weights v, [B, N, D].
Tensor attended(const Attention& a, const Tensor& weights) {
  Tensor out = at::empty({a.images(), a.queries(), a.width()}, a.q.options());
  multiply_heads(a.images(), a.heads, 'N', 'N', a.queries(), a.head_width(), a.places(), 1, stacked(weights),
                 a.values(), side_by_side(out, a.heads));
  return out;
}

// Which share of the weights is dropped, and by which seed.
struct Drop {
  double share;
  int64_t seed;

  Tensor operator()(const Tensor& x) const { return share == 0 ? x : dropped(x, share, static_cast<uint64_t>(seed)); }
};

// Fills the gradients of q and kv.
void attention_gradients(const Attention& a, const Tensor& weights, const Drop& drop, const Tensor& gradient,
                         const Tensor& of_q, const Tensor& of_kv) {
  const Attention into{of_q, of_kv, a.heads};
  const Matrices out = side_by_side(gradient, a.heads);
  const int64_t N = a.queries(), M = a.places(), d = a.head_width();
  const auto each = [&](char turn_a, char turn_b, int64_t m, int64_t n, int64_t k, float alpha, const Matrices& x,
                        const Matrices& y, const Matrices& z) {
    multiply_heads(a.images(), a.heads, turn_a, turn_b, m, n, k, alpha, x, y, z);
  };
  Tensor of_weights = at::empty_like(weights);
  each('N', 'T', N, M, d, 1, out, a.values(), stacked(of_weights));
  const Tensor kept = drop(weights);
  each('T', 'N', M, d, N, 1, stacked(kept), out, into.values());
  const Tensor of_scores = at::_softmax_backward_data(drop(of_weights), weights, -1, at::kFloat);
  each('N', 'N', N, d, M, a.scale(), stacked(of_scores), a.keys(), side_by_side(of_q, a.heads));
  each('T', 'N', M, d, N, a.scale(), stacked(of_scores), side_by_side(a.q, a.heads), into.keys());
}

// What both functions keep for their gradients: the factors, the weights, and what decides dropout.
Tensor forward(AutogradContext* context, const variable_list& factors, const Attention& a, const OptionalTensor& mask,
               double share) {
  const Drop drop{share, share == 0 ? 0 : static_cast<int64_t>(dropout_seed())};
  const Tensor weights = attention_weights(a, mask);
  variable_list saved = factors;
  saved.push_back(weights);
  context->save_for_backward(saved);
  context->saved_data["heads"] = a.heads;
  context->saved_data["share"] = drop.share;
  context->saved_data["seed"] = drop.seed;
  return attended(a, drop(weights));
}

Drop drop_of(AutogradContext* context) {
  return {context->saved_data["share"].toDouble(), context->saved_data["seed"].toInt()};
}

struct AttentionTo : torch::autograd::Function<AttentionTo> {
  static Tensor forward(AutogradContext* context, const Tensor& q, const Tensor& kv, int64_t heads,
                        const OptionalTensor& mask, double share) {
    return dream::forward(context, {q, kv}, {q, kv, heads}, mask, share);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const Attention a{saved[0], saved[1], context->saved_data["heads"].toInt()};
    const Tensor of_q = at::empty(a.q.sizes(), a.q.options());
    const Tensor of_kv = at::empty(a.kv.sizes(), a.kv.options());
    attention_gradients(a, saved[2], drop_of(context), gradients[0].contiguous(), of_q, of_kv);
    return {of_q, of_kv, Tensor(), Tensor(), Tensor()};
  }
};

struct AttentionWithin : torch::autograd::Function<AttentionWithin> {
  static Attention parts(const Tensor& qkv, int64_t heads) {
    const int64_t width = qkv.size(2) / 3;
    return {qkv.narrow(2, 0, width), qkv.narrow(2, width, 2 * width), heads};
  }

  static Tensor forward(AutogradContext* context, const Tensor& qkv, int64_t heads, const OptionalTensor& mask,
                        double share) {
    return dream::forward(context, {qkv}, parts(qkv, heads), mask, share);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const int64_t heads = context->saved_data["heads"].toInt();
    const Tensor of_qkv = at::empty(saved[0].sizes(), saved[0].options());
    const Attention into = parts(of_qkv, heads);
    attention_gradients(parts(saved[0], heads), saved[1], drop_of(context), gradients[0].contiguous(), into.q, into.kv);
    return {of_qkv, Tensor(), Tensor(), Tensor()};
  }
};

// A factor in float32 whose rows are dense.
Tensor factor(const Tensor& x) {
  TORCH_CHECK(sgemm_ != nullptr, "this libtorch has neither fused attention nor a BLAS to build one on");
  TORCH_CHECK(x.dim() == 3 && x.device().is_cpu(), "attention takes tensors of three dimensions on the CPU");
  const Tensor single = x.to(at::kFloat);
  return single.stride(2) == 1 ? single : single.contiguous();
}

void require_heads(int64_t width, int64_t heads) {
  TORCH_CHECK(heads > 0 && width % heads == 0, "a width of ", width, " is no whole number of ", heads, " heads");
}

Tensor attention(const Tensor& q, const Tensor& kv, int64_t heads, const OptionalTensor& mask,
                 double share) {
  require_heads(q.size(-1), heads);
  TORCH_CHECK(kv.size(-1) == 2 * q.size(-1) && kv.size(0) == q.size(0), "keys and values ", kv.sizes(),
              " do not belong to queries ", q.sizes());
  return AttentionTo::apply(factor(q), factor(kv), heads, mask, share);
}

Tensor self_attention(const Tensor& qkv, int64_t heads, const OptionalTensor& mask, double share) {
  require_heads(qkv.size(-1) / 3, heads);
  return AttentionWithin::apply(factor(qkv), heads, mask, share);
}

}  // namespace

}  // namespace dream

TORCH_LIBRARY_FRAGMENT(dream, library) {
  library.def("attention(Tensor q, Tensor kv, int heads, Tensor? mask, float share) -> Tensor", &dream::attention);
  library.def("self_attention(Tensor qkv, int heads, Tensor? mask, float share) -> Tensor", &dream::self_attention);
}

#endif
