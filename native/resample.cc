#include "resample.h"

#include <algorithm>
#include <cstring>

// The same code for processors with AVX2 and for all others, chosen when the addon is loaded.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define DREAM_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define DREAM_CLONES
#endif
#if defined(__GNUC__) && !defined(__clang__)
#define DREAM_LOOPS __attribute__((optimize("O3")))
#else
#define DREAM_LOOPS
#endif

namespace dream {

namespace {

constexpr int kPrecision = 22;
constexpr int32_t kHalf = 1 << (kPrecision - 1);

typedef int32_t Lanes __attribute__((vector_size(32)));
typedef int32_t Pixel __attribute__((vector_size(16)));

inline int32_t clipped(int32_t sum) {
  const int32_t value = sum >> kPrecision;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

}  // namespace

// A row is widened to four 32-bit numbers a pixel, so that eight lanes are two pixels, each with its own weight.
DREAM_CLONES
void resample_across(const uint8_t* in, int32_t in_width, int32_t first, int32_t rows, const Axis& across,
                     uint8_t* out) {
  const int32_t pairs = (across.width + 1) / 2;
  std::vector<int32_t> weights(static_cast<size_t>(across.outputs) * pairs * 8);
  for (int32_t i = 0; i < across.outputs; i++) {
    const int32_t count = across.bounds[2 * i + 1];
    const int32_t* own = across.weights + static_cast<size_t>(across.width) * i;
    for (int32_t pair = 0; pair < pairs; pair++) {
      const int32_t a = 2 * pair < count ? own[2 * pair] : 0;
      const int32_t b = 2 * pair + 1 < count ? own[2 * pair + 1] : 0;
      int32_t* lanes = weights.data() + (static_cast<size_t>(i) * pairs + pair) * 8;
      std::fill(lanes, lanes + 3, a);
      std::fill(lanes + 4, lanes + 7, b);
    }
  }
  // A last weight of 0 may look at pixels beyond the row.
  std::vector<int32_t> wide(4 * (static_cast<size_t>(in_width) + 2 * pairs + 2));
  for (int32_t row = 0; row < rows; row++) {
    const uint8_t* from = in + 3 * static_cast<size_t>(in_width) * (first + row);
    for (int32_t x = 0; x < in_width; x++) {
      wide[4 * x] = from[3 * x];
      wide[4 * x + 1] = from[3 * x + 1];
      wide[4 * x + 2] = from[3 * x + 2];
    }
    uint8_t* to = out + 3 * static_cast<size_t>(across.outputs) * row;
    for (int32_t i = 0; i < across.outputs; i++) {
      const int32_t* pixel = wide.data() + 4 * static_cast<size_t>(across.bounds[2 * i]);
      const int32_t used = (across.bounds[2 * i + 1] + 1) / 2;
      const int32_t* own = weights.data() + static_cast<size_t>(i) * pairs * 8;
      Lanes sum = {};
      for (int32_t pair = 0; pair < used; pair++) {
        Lanes two, weight;
        std::memcpy(&two, pixel + 8 * pair, sizeof two);
        std::memcpy(&weight, own + 8 * pair, sizeof weight);
        sum += two * weight;
      }
      Pixel halves[2];
      std::memcpy(halves, &sum, sizeof sum);
      Pixel value = (halves[0] + halves[1] + kHalf) >> kPrecision;
      value = value < 0 ? Pixel{} : value;
      value = value > 255 ? Pixel{} + 255 : value;
      for (int channel = 0; channel < 3; channel++) to[3 * i + channel] = static_cast<uint8_t>(value[channel]);
    }
  }
}

// Plain loops over a row, which the compiler turns into lanes by itself.
DREAM_CLONES DREAM_LOOPS
void resample_down(const uint8_t* in, int32_t row_bytes, const Axis& down, uint8_t* out) {
  std::vector<int32_t> sums(row_bytes);
  int32_t* __restrict sum = sums.data();
  for (int32_t i = 0; i < down.outputs; i++) {
    const uint8_t* from = in + static_cast<size_t>(row_bytes) * down.bounds[2 * i];
    const int32_t count = down.bounds[2 * i + 1];
    const int32_t* own = down.weights + static_cast<size_t>(down.width) * i;
    uint8_t* __restrict to = out + static_cast<size_t>(row_bytes) * i;
    for (int32_t x = 0; x < row_bytes; x++) sum[x] = kHalf;
    for (int32_t k = 0; k < count; k++, from += row_bytes) {
      const int32_t weight = own[k];
      for (int32_t x = 0; x < row_bytes; x++) sum[x] += from[x] * weight;
    }
    for (int32_t x = 0; x < row_bytes; x++) to[x] = static_cast<uint8_t>(clipped(sum[x]));
  }
}

}  // namespace dream
