// Dropout whose choices are a function of a seed and an element's place: made on all threads, made again in the backward pass instead
// of kept, and the same whatever the number of threads. libtorch's own draws one number after another on the CPU.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace dream {

// The next seed of the default generator of the CPU.
uint64_t dropout_seed();

// x with a share of its elements zero and the others scaled so that means stay.
at::Tensor dropped(const at::Tensor& x, double share, uint64_t seed);

}  // namespace dream
