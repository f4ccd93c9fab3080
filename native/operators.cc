// The dispatcher: operators found by name, called by schema.
#include "operators.h"

#include <algorithm>
#include <sstream>

namespace dream {

namespace {

// lookup(name, overload) -> operator number, or -1 where this libtorch has none.
napi_value lookup(Call& call) {
  const auto found = c10::Dispatcher::singleton().findSchema({call.string(0), call.string(1)});
  if (!found) return from_number(call.env(), -1);
  Operator op{*found, {}};
  for (const auto& argument : found->schema().arguments()) {
    bool optional = false;
    const auto& type = argument.real_type();
    const Kind kind = kind_of(type, optional);
    std::optional<c10::IValue> fallback;
    if (argument.default_value()) fallback = *argument.default_value();
    op.arguments.push_back({argument.name(), type->repr_str(), kind, optional, std::move(fallback)});
  }
  auto& operators = call.instance().operators;
  operators.push_back(std::move(op));
  return from_number(call.env(), static_cast<double>(operators.size() - 1));
}

// One argument as the schema wants it, or its default where JavaScript left it out.
c10::IValue argument_value(Call& call, const Argument& argument, size_t at) {
  if (at < call.count()) {
    // A slot is the commonest argument by far, and tells itself from undefined.
    int32_t slot = 0;
    if (argument.kind == Kind::kTensor && napi_get_value_int32(call.env(), call[at], &slot) == napi_ok)
      return call.instance().tensors.at(slot, "tensor");
    napi_valuetype type;
    napi_typeof(call.env(), call[at], &type);
    if (type != napi_undefined) {
      try {
        return to_ivalue(call.env(), call.instance(), argument, call[at]);
      } catch (const Misuse& error) {
        throw Misuse("argument '" + argument.name + "' (" + argument.type + "): " + error.what());
      }
    }
  }
  if (argument.fallback) return *argument.fallback;
  if (argument.optional) return c10::IValue();
  throw Misuse("argument '" + argument.name + "' (" + argument.type + ") is missing");
}

// call(operator, ...arguments): arguments in the schema's order; undefined or absent takes the schema's default, or None.
napi_value invoke(Call& call) {
  Instance& instance = call.instance();
  int32_t number = -1;
  napi_get_value_int32(call.env(), call[0], &number);
  if (number < 0 || number >= static_cast<int32_t>(instance.operators.size())) throw Misuse("no such operator");
  const Operator& op = instance.operators[number];
  if (call.count() > op.arguments.size() + 1)
    throw Misuse("expected at most " + std::to_string(op.arguments.size()) + " arguments, got " +
                 std::to_string(call.count() - 1));
  // The stack's memory is kept from call to call; operators do not call back into JavaScript.
  torch::jit::Stack& stack = instance.stack;
  stack.clear();
  for (size_t i = 0; i < op.arguments.size(); i++) stack.push_back(argument_value(call, op.arguments[i], i + 1));
  op.handle.callBoxed(&stack);
  if (stack.size() == 1) {
    if (stack[0].isTensor()) return from_tensor(call.env(), instance, std::move(stack[0]).toTensor());
    return from_ivalue(call.env(), instance, stack[0]);
  }
  if (stack.empty()) return undefined(call.env());
  napi_value results;
  napi_create_array_with_length(call.env(), stack.size(), &results);
  for (size_t i = 0; i < stack.size(); i++)
    napi_set_element(call.env(), results, i, from_ivalue(call.env(), instance, stack[i]));
  stack.clear();
  return results;
}

// schemas(prefix) -> every schema whose name begins so, as text, sorted.
napi_value schemas(Call& call) {
  const std::string prefix = call.string(0);
  std::vector<std::string> found;
  for (const auto& name : c10::Dispatcher::singleton().getAllOpNames()) {
    if (name.name.rfind(prefix, 0) != 0) continue;
    const auto op = c10::Dispatcher::singleton().findSchema(name);
    if (!op) continue;
    std::ostringstream text;
    text << op->schema();
    found.push_back(text.str());
  }
  std::sort(found.begin(), found.end());
  napi_value result;
  napi_create_array_with_length(call.env(), found.size(), &result);
  for (size_t i = 0; i < found.size(); i++)
    napi_set_element(call.env(), result, i, from_string(call.env(), found[i]));
  return result;
}

}  // namespace

std::vector<Export> operator_exports() {
  return {{"lookup", exported<lookup>}, {"call", exported<invoke>}, {"schemas", exported<schemas>}};
}

}  // namespace dream
