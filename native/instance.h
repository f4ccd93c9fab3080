// What one JavaScript environment (the main thread or one worker) owns: its tensors, generators and looked-up
// operators. Nothing here is shared between environments, so nothing here is locked.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <node_api.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace dream {

// Misuse that a caller can mend; the message is one sentence.
struct Misuse : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Another process of the team ended, does not come, or does not answer; the message says which.
struct PeerLost : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Thrown when a JavaScript exception is already pending.
struct Pending {};

// Values addressed by small integers. Slot 0 stays empty, so that 0 means "none" or "disposed".
template <typename T>
class Table {
 public:
  int32_t add(T value) {
    if (free_.empty()) {
      slots_.push_back(std::move(value));
      return static_cast<int32_t>(slots_.size() - 1);
    }
    const int32_t slot = free_.back();
    free_.pop_back();
    slots_[slot] = std::move(value);
    return slot;
  }

  // The value in a slot; `what` names it in the error.
  T& at(int32_t slot, const char* what) {
    if (slot <= 0 || slot >= static_cast<int32_t>(slots_.size()) || !slots_[slot].defined())
      throw Misuse(std::string("this ") + what + " was disposed, or never existed");
    return slots_[slot];
  }

  void remove(int32_t slot) {
    if (slot <= 0 || slot >= static_cast<int32_t>(slots_.size()) || !slots_[slot].defined()) return;
    slots_[slot] = T();
    free_.push_back(slot);
  }

  size_t live() const { return slots_.size() - 1 - free_.size(); }

 private:
  std::vector<T> slots_ = std::vector<T>(1);
  std::vector<int32_t> free_;
};

// How a JavaScript value becomes an IValue: decided by the operator's schema alone.
enum class Kind : uint8_t {
  kTensor, kTensors, kOptionalTensors, kInt, kInts, kFloat, kFloats, kBool, kBools, kScalar, kScalars, kString,
  kScalarType, kLayout, kMemoryFormat, kDevice, kGenerator, kUnsupported,
};

struct Argument {
  std::string name;
  std::string type;
  Kind kind;
  bool optional;
  std::optional<c10::IValue> fallback;
};

struct Operator {
  c10::OperatorHandle handle;
  std::vector<Argument> arguments;
};

class Team;
class GradientBuckets;

// What threads besides JavaScript's hold on to, as a table keeps it.
template <typename T>
struct Shared {
  std::shared_ptr<T> value;
  bool defined() const { return value != nullptr; }
};

struct Instance {
  Table<at::Tensor> tensors;
  Table<at::Generator> generators;
  Table<Shared<Team>> teams;
  Table<Shared<GradientBuckets>> buckets;
  std::vector<Operator> operators;
  torch::jit::Stack stack;
};

}  // namespace dream
