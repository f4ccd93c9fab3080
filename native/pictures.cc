// Pictures as bytes: JPEG by libjpeg where the addon was compiled with it, and resampling.
#include "pictures.h"

#include "resample.h"

#ifdef DREAM_WITH_JPEG
#include <csetjmp>
#include <cstdio>

#include <jpeglib.h>
#endif

namespace dream {

namespace {

struct Bytes {
  uint8_t* data;
  size_t length;
};

Bytes bytes_of(Call& call, size_t i) {
  void* data = nullptr;
  size_t length = 0;
  napi_typedarray_type type;
  if (napi_get_typedarray_info(call.env(), call[i], &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_uint8_array)
    throw Misuse("expected a Uint8Array");
  return {static_cast<uint8_t*>(data), length};
}

Bytes new_bytes(Call& call, size_t length, napi_value* buffer) {
  void* data = nullptr;
  if (napi_create_arraybuffer(call.env(), length, &data, buffer) != napi_ok)
    throw Misuse("no memory for " + std::to_string(length) + " bytes");
  return {static_cast<uint8_t*>(data), length};
}

napi_value null(napi_env env) {
  napi_value result;
  napi_get_null(env, &result);
  return result;
}

#ifdef DREAM_WITH_JPEG

struct Failure {
  jpeg_error_mgr manager;
  std::jmp_buf jump;
};

[[noreturn]] void fail(j_common_ptr info) {
  std::longjmp(reinterpret_cast<Failure*>(info->err)->jump, 1);
}

void stay_silent(j_common_ptr) {}

// The bytes are all there at once; to ask for more means that the file is cut short.
void begin_source(j_decompress_ptr) {}
boolean no_more(j_decompress_ptr info) { fail(reinterpret_cast<j_common_ptr>(info)); }
void skip(j_decompress_ptr info, long count) {
  if (count <= 0) return;
  if (static_cast<size_t>(count) > info->src->bytes_in_buffer) no_more(info);
  info->src->next_input_byte += count;
  info->src->bytes_in_buffer -= count;
}

// decode_jpeg(bytes, maximum_pixels) -> [width, height, ArrayBuffer of RGB], or null for what is left to others: every file with
// anything unusual about it, damage above all, so that there is one place where damage is told.
napi_value decode_jpeg(Call& call) {
  const Bytes bytes = bytes_of(call, 0);
  const double maximum_pixels = call.number(1);
  jpeg_decompress_struct info;
  Failure failure;
  jpeg_source_mgr source = {};
  napi_value buffer = nullptr;
  info.err = jpeg_std_error(&failure.manager);
  failure.manager.error_exit = fail;
  failure.manager.output_message = stay_silent;
  // Nothing below has a destructor, so the jump leaves nothing behind.
  if (setjmp(failure.jump) != 0) {
    jpeg_destroy_decompress(&info);
    return null(call.env());
  }
  jpeg_create_decompress(&info);
  source.init_source = begin_source;
  source.fill_input_buffer = no_more;
  source.skip_input_data = skip;
  source.resync_to_restart = jpeg_resync_to_restart;
  source.term_source = begin_source;
  source.next_input_byte = bytes.data;
  source.bytes_in_buffer = bytes.length;
  info.src = &source;
  jpeg_read_header(&info, TRUE);
  const double pixels = static_cast<double>(info.image_width) * info.image_height;
  if (info.data_precision != 8 || info.num_components != 3 || info.jpeg_color_space != JCS_YCbCr ||
      pixels > maximum_pixels) {
    jpeg_destroy_decompress(&info);
    return null(call.env());
  }
  info.out_color_space = JCS_RGB;
  jpeg_start_decompress(&info);
  const size_t row_bytes = 3 * static_cast<size_t>(info.output_width);
  void* data = nullptr;
  if (napi_create_arraybuffer(call.env(), row_bytes * info.output_height, &data, &buffer) != napi_ok)
    fail(reinterpret_cast<j_common_ptr>(&info));
  while (info.output_scanline < info.output_height) {
    JSAMPROW rows[8];
    for (int i = 0; i < 8; i++)
      rows[i] = static_cast<uint8_t*>(data) + row_bytes * std::min(info.output_scanline + i, info.output_height - 1);
    jpeg_read_scanlines(&info, rows, std::min<JDIMENSION>(8, info.output_height - info.output_scanline));
  }
  const uint32_t width = info.output_width;
  const uint32_t height = info.output_height;
  const bool is_whole = failure.manager.num_warnings == 0;
  jpeg_destroy_decompress(&info);
  if (!is_whole) return null(call.env());
  napi_value result;
  napi_create_array_with_length(call.env(), 3, &result);
  napi_set_element(call.env(), result, 0, from_number(call.env(), width));
  napi_set_element(call.env(), result, 1, from_number(call.env(), height));
  napi_set_element(call.env(), result, 2, buffer);
  return result;
}

#else

napi_value decode_jpeg(Call& call) { return null(call.env()); }

#endif

// Arguments i, i + 1: an Int32Array of bounds and one of weights. Checked against the inputs, so that nothing else is ever read.
Axis axis_of(Call& call, size_t i, int32_t inputs) {
  void* arrays[2];
  size_t lengths[2];
  for (size_t part = 0; part < 2; part++) {
    napi_typedarray_type type;
    if (napi_get_typedarray_info(call.env(), call[i + part], &type, &lengths[part], &arrays[part], nullptr, nullptr) !=
            napi_ok ||
        type != napi_int32_array)
      throw Misuse("expected an Int32Array");
  }
  Axis axis{static_cast<int32_t*>(arrays[0]), static_cast<int32_t*>(arrays[1]), static_cast<int32_t>(lengths[0] / 2), 0};
  if (axis.outputs == 0 || lengths[1] % axis.outputs != 0) throw Misuse("as many weights for each output");
  axis.width = static_cast<int32_t>(lengths[1] / axis.outputs);
  for (int32_t output = 0; output < axis.outputs; output++) {
    const int64_t begin = axis.bounds[2 * output];
    const int64_t count = axis.bounds[2 * output + 1];
    if (begin < 0 || count < 0 || count > axis.width || begin + count > inputs)
      throw Misuse("outputs are made of inputs that are there");
  }
  return axis;
}

// resample(rgb, width, across bounds, across weights, first row, rows, down bounds, down weights) -> ArrayBuffer of RGB. The
// vertical bounds count from the first row.
napi_value resample(Call& call) {
  const Bytes in = bytes_of(call, 0);
  const int32_t width = call.integer(1);
  const int32_t first = call.integer(4);
  const int32_t rows = call.integer(5);
  if (width <= 0 || first < 0 || rows <= 0 || 3.0 * width * (static_cast<double>(first) + rows) > in.length)
    throw Misuse("rows that the picture has");
  const Axis across = axis_of(call, 2, width);
  const Axis down = axis_of(call, 6, rows);
  const size_t row_bytes = 3 * static_cast<size_t>(across.outputs);
  std::vector<uint8_t> between(row_bytes * rows);
  resample_across(in.data, width, first, rows, across, between.data());
  napi_value buffer;
  const Bytes out = new_bytes(call, row_bytes * down.outputs, &buffer);
  resample_down(between.data(), static_cast<int32_t>(row_bytes), down, out.data);
  return buffer;
}

}  // namespace

std::vector<Export> picture_exports() {
  return {{"decodeJpeg", exported<decode_jpeg>}, {"resample", exported<resample>}};
}

}  // namespace dream
