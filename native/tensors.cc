// Tensors as slots: bytes in and out, what a tensor is, letting go of it, and handing it to another environment.
#include "tensors.h"

#include <cstring>
#include <mutex>
#include <unordered_map>

namespace dream {

namespace {

// from_bytes(view, shape, dtype, device) -> slot. Copies the bytes.
napi_value from_bytes(Call& call) {
  void* data = nullptr;
  size_t length = 0;
  if (napi_get_typedarray_info(call.env(), call[0], nullptr, &length, &data, nullptr, nullptr) != napi_ok)
    throw Misuse("expected a Uint8Array of the tensor's bytes");
  const auto shape = call.integers(1);
  const auto dtype = static_cast<at::ScalarType>(call.integer(2));
  at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(dtype));
  const size_t needed = tensor.nbytes();
  if (needed != length)
    throw Misuse("the shape needs " + std::to_string(needed) + " bytes, got " + std::to_string(length));
  if (needed > 0) std::memcpy(tensor.data_ptr(), data, needed);
  const auto device = parse_device(call.string(3));
  return from_tensor(call.env(), call.instance(), device.is_cpu() ? tensor : tensor.to(device));
}

// to_bytes(slot) -> ArrayBuffer of the elements in row-major order.
napi_value to_bytes(Call& call) {
  const at::Tensor tensor = call.tensor(0).detach().to(at::kCPU).contiguous();
  void* data = nullptr;
  napi_value buffer;
  if (napi_create_arraybuffer(call.env(), tensor.nbytes(), &data, &buffer) != napi_ok)
    throw Misuse("no memory for " + std::to_string(tensor.nbytes()) + " bytes");
  if (tensor.nbytes() > 0) std::memcpy(data, tensor.data_ptr(), tensor.nbytes());
  return buffer;
}

napi_value item(Call& call) {
  const at::Tensor& tensor = call.tensor(0);
  if (tensor.numel() != 1)
    throw Misuse("only a tensor of one element is a number; this one has " + std::to_string(tensor.numel()));
  return from_number(call.env(), tensor.item().toDouble());
}

napi_value shape(Call& call) { return from_integers(call.env(), call.tensor(0).sizes()); }

napi_value dtype(Call& call) {
  return from_number(call.env(), static_cast<double>(call.tensor(0).scalar_type()));
}

napi_value device(Call& call) { return from_string(call.env(), call.tensor(0).device().str()); }

napi_value is_contiguous(Call& call) { return from_boolean(call.env(), call.tensor(0).is_contiguous()); }

// dispose(slots): an Int32Array whose first `count` entries are let go.
napi_value dispose(Call& call) {
  void* data = nullptr;
  size_t length = 0;
  napi_typedarray_type type;
  if (napi_get_typedarray_info(call.env(), call[0], &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_int32_array)
    throw Misuse("expected an Int32Array");
  const size_t count = std::min<size_t>(length, call.integer(1));
  for (size_t i = 0; i < count; i++) call.instance().tensors.remove(static_cast<int32_t*>(data)[i]);
  return undefined(call.env());
}

napi_value live_tensors(Call& call) { return from_number(call.env(), call.instance().tensors.live()); }

// Tensors on their way from one environment to another: the only place where two environments meet.
class Passage {
 public:
  int32_t leave(at::Tensor tensor) {
    std::lock_guard<std::mutex> lock(mutex_);
    waiting_.emplace(++last_, std::move(tensor));
    return last_;
  }

  at::Tensor fetch(int32_t ticket) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = waiting_.find(ticket);
    if (found == waiting_.end()) throw Misuse("no tensor waits under ticket " + std::to_string(ticket));
    at::Tensor tensor = std::move(found->second);
    waiting_.erase(found);
    return tensor;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<int32_t, at::Tensor> waiting_;
  int32_t last_ = 0;
};

// Lives as long as the process, as the tensors' memory does.
Passage& passage() {
  static auto* instance = new Passage();
  return *instance;
}

// share(slot) -> ticket, under which any environment of this process may take the same tensor's bytes, once.
napi_value share(Call& call) {
  const at::Tensor& tensor = call.tensor(0);
  if (!tensor.device().is_cpu() || !tensor.is_contiguous())
    throw Misuse("only a contiguous tensor on the CPU has bytes that can be shared");
  return from_number(call.env(), passage().leave(tensor));
}

// take(ticket) -> ArrayBuffer over the tensor's own memory, which lives as long as either does. Who writes to it and when is for the
// two environments to settle.
napi_value take(Call& call) {
  auto* held = new at::Tensor(passage().fetch(call.integer(0)));
  napi_value buffer;
  const auto release = [](napi_env, void*, void* tensor) { delete static_cast<at::Tensor*>(tensor); };
  if (napi_create_external_arraybuffer(call.env(), held->data_ptr(), held->nbytes(), release, held, &buffer) != napi_ok) {
    delete held;
    throw Misuse("this JavaScript engine does not look into memory that is not its own");
  }
  return buffer;
}

}  // namespace

std::vector<Export> tensor_exports() {
  return {{"fromBytes", exported<from_bytes>}, {"toBytes", exported<to_bytes>},
          {"item", exported<item>},           {"shape", exported<shape>},
          {"dtype", exported<dtype>},         {"device", exported<device>},
          {"isContiguous", exported<is_contiguous>}, {"dispose", exported<dispose>},
          {"liveTensors", exported<live_tensors>}, {"share", exported<share>}, {"take", exported<take>}};
}

}  // namespace dream
