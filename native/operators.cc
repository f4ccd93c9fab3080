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

// call(operator, ...arguments): arguments in the schema's order; undefined or absent takes the schema's default, or None.
napi_value invoke(Call& call) {
  Instance& instance = call.instance();
  const int32_t number = call.integer(0);
  if (number < 0 || number >= static_cast<int32_t>(instance.operators.size())) throw Misuse("no such operator");
  const Operator& op = instance.operators[number];
  if (call.count() > op.arguments.size() + 1)
    throw Misuse("expected at most " + std::to_string(op.arguments.size()) + " arguments, got " +
                 std::to_string(call.count() - 1));
  torch::jit::Stack stack;
  stack.reserve(std::max<size_t>(op.arguments.size(), 2));
  for (size_t i = 0; i < op.arguments.size(); i++) {
    const Argument& argument = op.arguments[i];
    napi_valuetype type = napi_undefined;
    if (i + 1 < call.count()) napi_typeof(call.env(), call[i + 1], &type);
    if (type == napi_undefined) {
      if (argument.fallback) stack.push_back(*argument.fallback);
      else if (argument.optional) stack.emplace_back();
      else throw Misuse("argument '" + argument.name + "' (" + argument.type + ") is missing");
      continue;
    }
    try {
      stack.push_back(to_ivalue(call.env(), instance, argument, call[i + 1]));
    } catch (const Misuse& error) {
      throw Misuse("argument '" + argument.name + "' (" + argument.type + "): " + error.what());
    }
  }
  op.handle.callBoxed(&stack);
  if (stack.empty()) return undefined(call.env());
  if (stack.size() == 1) return from_ivalue(call.env(), instance, stack[0]);
  napi_value results;
  napi_create_array_with_length(call.env(), stack.size(), &results);
  for (size_t i = 0; i < stack.size(); i++)
    napi_set_element(call.env(), results, i, from_ivalue(call.env(), instance, stack[i]));
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
