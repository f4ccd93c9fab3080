// Resampling of RGB pictures in fixed point, as Pillow does it: a horizontal pass and then a vertical one, each rounded to 8 bits.
#pragma once

#include <cstdint>
#include <vector>

namespace dream {

// Which inputs make which outputs along one axis: for output i the inputs from bounds[2i], bounds[2i + 1] of them, weighted by
// weights[width * i ...], 22 bits after the point.
struct Axis {
  const int32_t* bounds;
  const int32_t* weights;
  int32_t outputs;
  int32_t width;
};

// rows of `in_width` pixels -> rows of `across.outputs` pixels, from row `first` on, `rows` of them.
void resample_across(const uint8_t* in, int32_t in_width, int32_t first, int32_t rows, const Axis& across, uint8_t* out);

// rows of `row_bytes` -> `down.outputs` rows.
void resample_down(const uint8_t* in, int32_t row_bytes, const Axis& down, uint8_t* out);

}  // namespace dream
