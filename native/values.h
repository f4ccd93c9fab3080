// JavaScript values to C++ and back.
#pragma once

#include "instance.h"

namespace dream {

constexpr size_t kMaxArguments = 24;

// One call from JavaScript: its arguments, and the environment's instance.
class Call {
 public:
  Call(napi_env env, napi_callback_info info);
  size_t count() const { return count_; }
  napi_value operator[](size_t i) const;
  Instance& instance() const { return *instance_; }
  napi_env env() const { return env_; }

  int32_t integer(size_t i) const;
  double number(size_t i) const;
  bool boolean(size_t i) const;
  std::string string(size_t i) const;
  std::vector<int64_t> integers(size_t i) const;
  at::Tensor& tensor(size_t i) const;
  std::vector<at::Tensor> tensors(size_t i) const;

 private:
  napi_env env_;
  Instance* instance_;
  size_t count_ = kMaxArguments;
  napi_value values_[kMaxArguments];
};

napi_value undefined(napi_env env);
napi_value from_number(napi_env env, double value);
napi_value from_boolean(napi_env env, bool value);
napi_value from_string(napi_env env, const std::string& value);
napi_value from_tensor(napi_env env, Instance& instance, at::Tensor value);
napi_value from_integers(napi_env env, at::IntArrayRef values);

// The kind that a schema's type asks for; `optional` is set for `T?`.
Kind kind_of(const c10::TypePtr& type, bool& optional);
// One JavaScript value as the schema wants it.
c10::IValue to_ivalue(napi_env env, Instance& instance, const Argument& argument, napi_value value);
// An operator's result: a slot, a number, a string, or an array of these.
napi_value from_ivalue(napi_env env, Instance& instance, const c10::IValue& value);

at::Device parse_device(const std::string& name);

// Runs `body` and turns what it throws into a JavaScript exception.
napi_value guarded(napi_env env, napi_callback_info info, napi_value (*body)(Call&));

// A function that JavaScript sees.
template <napi_value (*Body)(Call&)>
napi_value exported(napi_env env, napi_callback_info info) {
  return guarded(env, info, Body);
}

struct Export {
  const char* name;
  napi_callback callback;
};

}  // namespace dream
