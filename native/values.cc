#include "values.h"

#include <cmath>

namespace dream {

namespace {

void check(napi_env env, napi_status status, const char* expected) {
  if (status == napi_ok) return;
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (pending) throw Pending{};
  throw Misuse(std::string("expected ") + expected);
}

std::string read_string(napi_env env, napi_value value) {
  size_t length = 0;
  check(env, napi_get_value_string_utf8(env, value, nullptr, 0, &length), "a string");
  std::string text(length, '\0');
  napi_get_value_string_utf8(env, value, text.data(), length + 1, &length);
  return text;
}

double read_number(napi_env env, napi_value value) {
  double number = 0;
  check(env, napi_get_value_double(env, value, &number), "a number");
  return number;
}

int64_t read_integer(napi_env env, napi_value value) {
  const double number = read_number(env, value);
  if (std::trunc(number) != number || std::abs(number) > 9007199254740991.0)
    throw Misuse("expected a whole number, got " + std::to_string(number));
  return static_cast<int64_t>(number);
}

bool read_boolean(napi_env env, napi_value value) {
  bool result = false;
  check(env, napi_get_value_bool(env, value, &result), "true or false");
  return result;
}

// A Scalar is an integer where its value is one: a float tensor gives the same result either way, and an integer
// tensor stays one. Negative zero is the exception that must stay floating.
at::Scalar read_scalar(napi_env env, napi_value value) {
  napi_valuetype type;
  napi_typeof(env, value, &type);
  if (type == napi_boolean) return at::Scalar(read_boolean(env, value));
  const double number = read_number(env, value);
  const bool whole = std::trunc(number) == number && std::abs(number) < 9007199254740992.0;
  if (whole && !(number == 0 && std::signbit(number))) return at::Scalar(static_cast<int64_t>(number));
  return at::Scalar(number);
}

int32_t read_slot(napi_env env, napi_value value) {
  int32_t slot = 0;
  check(env, napi_get_value_int32(env, value, &slot), "a tensor");
  return slot;
}

template <typename T, typename Read>
std::vector<T> read_array(napi_env env, napi_value value, Read read) {
  uint32_t length = 0;
  check(env, napi_get_array_length(env, value, &length), "an array");
  std::vector<T> result;
  result.reserve(length);
  for (uint32_t i = 0; i < length; i++) {
    napi_value element;
    check(env, napi_get_element(env, value, i, &element), "an array");
    result.push_back(read(element));
  }
  return result;
}

bool is_nothing(napi_env env, napi_value value) {
  napi_valuetype type;
  napi_typeof(env, value, &type);
  return type == napi_null || type == napi_undefined;
}

}  // namespace

Call::Call(napi_env env, napi_callback_info info) : env_(env) {
  void* data = nullptr;
  napi_get_cb_info(env, info, &count_, values_, nullptr, &data);
  if (count_ > kMaxArguments) throw Misuse("too many arguments");
  instance_ = static_cast<Instance*>(data);
}

napi_value Call::operator[](size_t i) const {
  if (i >= count_) throw Misuse("argument " + std::to_string(i) + " is missing");
  return values_[i];
}

int32_t Call::integer(size_t i) const { return static_cast<int32_t>(read_integer(env_, (*this)[i])); }
double Call::number(size_t i) const { return read_number(env_, (*this)[i]); }
bool Call::boolean(size_t i) const { return read_boolean(env_, (*this)[i]); }
std::string Call::string(size_t i) const { return read_string(env_, (*this)[i]); }

std::vector<int64_t> Call::integers(size_t i) const {
  return read_array<int64_t>(env_, (*this)[i], [&](napi_value v) { return read_integer(env_, v); });
}

at::Tensor& Call::tensor(size_t i) const { return instance_->tensors.at(read_slot(env_, (*this)[i]), "tensor"); }

std::vector<at::Tensor> Call::tensors(size_t i) const {
  return read_array<at::Tensor>(env_, (*this)[i],
                                [&](napi_value v) { return instance_->tensors.at(read_slot(env_, v), "tensor"); });
}

napi_value undefined(napi_env env) {
  napi_value result;
  napi_get_undefined(env, &result);
  return result;
}

napi_value from_number(napi_env env, double value) {
  napi_value result;
  napi_create_double(env, value, &result);
  return result;
}

napi_value from_boolean(napi_env env, bool value) {
  napi_value result;
  napi_get_boolean(env, value, &result);
  return result;
}

napi_value from_string(napi_env env, const std::string& value) {
  napi_value result;
  napi_create_string_utf8(env, value.data(), value.size(), &result);
  return result;
}

napi_value from_tensor(napi_env env, Instance& instance, at::Tensor value) {
  napi_value result;
  napi_create_int32(env, value.defined() ? instance.tensors.add(std::move(value)) : 0, &result);
  return result;
}

napi_value from_integers(napi_env env, at::IntArrayRef values) {
  napi_value result;
  napi_create_array_with_length(env, values.size(), &result);
  for (size_t i = 0; i < values.size(); i++) napi_set_element(env, result, i, from_number(env, values[i]));
  return result;
}

Kind kind_of(const c10::TypePtr& type, bool& optional) {
  switch (type->kind()) {
    case c10::TypeKind::OptionalType:
      optional = true;
      return kind_of(type->castRaw<c10::OptionalType>()->getElementType(), optional);
    case c10::TypeKind::ListType: {
      bool of_optionals = false;
      switch (kind_of(type->castRaw<c10::ListType>()->getElementType(), of_optionals)) {
        case Kind::kTensor: return of_optionals ? Kind::kOptionalTensors : Kind::kTensors;
        case Kind::kInt: return Kind::kInts;
        case Kind::kFloat: return Kind::kFloats;
        case Kind::kBool: return Kind::kBools;
        case Kind::kScalar: return Kind::kScalars;
        default: return Kind::kUnsupported;
      }
    }
    case c10::TypeKind::TensorType: return Kind::kTensor;
    case c10::TypeKind::SymIntType:
    case c10::TypeKind::IntType: return Kind::kInt;
    case c10::TypeKind::FloatType: return Kind::kFloat;
    case c10::TypeKind::BoolType: return Kind::kBool;
    case c10::TypeKind::NumberType: return Kind::kScalar;
    case c10::TypeKind::StringType: return Kind::kString;
    case c10::TypeKind::ScalarTypeType: return Kind::kScalarType;
    case c10::TypeKind::LayoutType: return Kind::kLayout;
    case c10::TypeKind::MemoryFormatType: return Kind::kMemoryFormat;
    case c10::TypeKind::DeviceObjType: return Kind::kDevice;
    case c10::TypeKind::GeneratorType: return Kind::kGenerator;
    default: return Kind::kUnsupported;
  }
}

c10::IValue to_ivalue(napi_env env, Instance& instance, const Argument& argument, napi_value value) {
  if (argument.optional && is_nothing(env, value)) return c10::IValue();
  const auto tensor = [&](napi_value v) { return instance.tensors.at(read_slot(env, v), "tensor"); };
  switch (argument.kind) {
    case Kind::kTensor: return tensor(value);
    case Kind::kTensors: return read_array<at::Tensor>(env, value, tensor);
    case Kind::kOptionalTensors: {
      c10::List<c10::optional<at::Tensor>> list;
      for (napi_value v : read_array<napi_value>(env, value, [](napi_value v) { return v; }))
        list.push_back(is_nothing(env, v) ? c10::optional<at::Tensor>() : c10::optional<at::Tensor>(tensor(v)));
      return list;
    }
    case Kind::kInt: return read_integer(env, value);
    case Kind::kInts: {
      // A schema's `int[2]` also takes one number for all, as in Python.
      bool is_array = false;
      napi_is_array(env, value, &is_array);
      if (!is_array) return std::vector<int64_t>{read_integer(env, value)};
      return read_array<int64_t>(env, value, [&](napi_value v) { return read_integer(env, v); });
    }
    case Kind::kFloat: return read_number(env, value);
    case Kind::kFloats: return read_array<double>(env, value, [&](napi_value v) { return read_number(env, v); });
    case Kind::kBool: return read_boolean(env, value);
    case Kind::kBools: {
      c10::List<bool> list;
      for (napi_value v : read_array<napi_value>(env, value, [](napi_value v) { return v; }))
        list.push_back(read_boolean(env, v));
      return list;
    }
    case Kind::kScalar: return read_scalar(env, value);
    case Kind::kScalars: {
      c10::List<at::Scalar> list;
      for (napi_value v : read_array<napi_value>(env, value, [](napi_value v) { return v; }))
        list.push_back(read_scalar(env, v));
      return c10::impl::toList(list);
    }
    case Kind::kString: return read_string(env, value);
    case Kind::kScalarType: return static_cast<at::ScalarType>(read_integer(env, value));
    case Kind::kLayout: return static_cast<at::Layout>(read_integer(env, value));
    case Kind::kMemoryFormat: return static_cast<at::MemoryFormat>(read_integer(env, value));
    case Kind::kDevice: return parse_device(read_string(env, value));
    case Kind::kGenerator: return instance.generators.at(read_slot(env, value), "generator");
    case Kind::kUnsupported: break;
  }
  throw Misuse("a value of type " + argument.type + " cannot be given from JavaScript");
}

napi_value from_ivalue(napi_env env, Instance& instance, const c10::IValue& value) {
  if (value.isTensor()) return from_tensor(env, instance, value.toTensor());
  if (value.isInt()) return from_number(env, static_cast<double>(value.toInt()));
  if (value.isDouble()) return from_number(env, value.toDouble());
  if (value.isBool()) return from_boolean(env, value.toBool());
  if (value.isString()) return from_string(env, value.toStringRef());
  if (value.isScalar()) return from_number(env, value.toScalar().toDouble());
  if (value.isTensorList() || value.isIntList() || value.isDoubleList() || value.isTuple()) {
    const std::vector<c10::IValue> elements =
        value.isTuple() ? std::vector<c10::IValue>(value.toTupleRef().elements().begin(),
                                                   value.toTupleRef().elements().end())
                        : value.toListRef().vec();
    napi_value result;
    napi_create_array_with_length(env, elements.size(), &result);
    for (size_t i = 0; i < elements.size(); i++)
      napi_set_element(env, result, i, from_ivalue(env, instance, elements[i]));
    return result;
  }
  if (value.isNone()) return undefined(env);
  throw Misuse("a result of type " + value.tagKind() + " cannot be given to JavaScript");
}

at::Device parse_device(const std::string& name) {
  try {
    return at::Device(name);
  } catch (const std::exception&) {
    throw Misuse("no device is called '" + name + "'; known are cpu, cuda, cuda:0, mps");
  }
}

napi_value guarded(napi_env env, napi_callback_info info, napi_value (*body)(Call&)) {
  try {
    Call call(env, info);
    return body(call);
  } catch (const Pending&) {
  } catch (const Misuse& error) {
    napi_throw_error(env, "misuse", error.what());
  } catch (const PeerLost& error) {
    napi_throw_error(env, "peer", error.what());
  } catch (const c10::Error& error) {
    napi_throw_error(env, "operator", error.what_without_backtrace());
  } catch (const std::exception& error) {
    napi_throw_error(env, "operator", error.what());
  }
  return nullptr;
}

}  // namespace dream
