#include "buckets.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

namespace dream {

namespace {

// Runs after a parameter's gradient was added to what it has accumulated.
struct Arrival : torch::autograd::FunctionPostHook {
  Arrival(std::weak_ptr<GradientBuckets> buckets, size_t parameter)
      : buckets(std::move(buckets)), parameter(parameter) {}

  torch::autograd::variable_list operator()(const torch::autograd::variable_list& outputs,
                                            const torch::autograd::variable_list&) override {
    if (const auto held = buckets.lock()) held->arrive(parameter);
    return outputs;
  }

  const std::weak_ptr<GradientBuckets> buckets;
  const size_t parameter;
};

}  // namespace

GradientBuckets::GradientBuckets(std::shared_ptr<Team> team, std::vector<at::Tensor> parameters, int64_t bucket_bytes)
    : team_(std::move(team)), parameters_(parameters.size()) {
  std::vector<size_t> members;
  int64_t bytes = 0;
  for (size_t i = parameters.size(); i-- > 0;) {
    at::Tensor& tensor = parameters[i];
    if (!tensor.is_leaf() || !tensor.requires_grad())
      throw Misuse("parameter " + std::to_string(i) + " is not one that gradients are accumulated for");
    if (tensor.device().type() != team_->device().type())
      throw Misuse("parameter " + std::to_string(i) + " is on " + tensor.device().str() +
                   ", and this team's transport moves tensors of " + team_->device().str());
    const bool full = bytes + static_cast<int64_t>(tensor.nbytes()) > bucket_bytes;
    if (!members.empty() && (full || tensor.dtype() != parameters_[members[0]].tensor.dtype())) {
      lay_out(std::move(members));
      members.clear();
      bytes = 0;
    }
    members.push_back(i);
    bytes += tensor.nbytes();
    parameters_[i].tensor = std::move(tensor);
  }
  if (!members.empty()) lay_out(std::move(members));
}

void GradientBuckets::lay_out(std::vector<size_t> members) {
  int64_t length = 0;
  for (const size_t i : members) length += parameters_[i].tensor.numel();
  Bucket bucket;
  bucket.flat = at::zeros({length}, parameters_[members[0]].tensor.options());
  bucket.parameters = members.size();
  int64_t offset = 0;
  for (const size_t i : members) {
    Parameter& parameter = parameters_[i];
    parameter.bucket = buckets_.size();
    parameter.slice = bucket.flat.narrow(0, offset, parameter.tensor.numel()).view(parameter.tensor.sizes());
    offset += parameter.tensor.numel();
  }
  buckets_.push_back(std::move(bucket));
}

void GradientBuckets::listen() {
  for (size_t i = 0; i < parameters_.size(); i++) {
    Parameter& parameter = parameters_[i];
    // The tensor itself refers to this node weakly: it has to be held, or its hooks go with it.
    parameter.accumulator = torch::autograd::impl::grad_accumulator(parameter.tensor);
    parameter.hook = parameter.accumulator->add_post_hook(std::make_unique<Arrival>(weak_from_this(), i));
  }
}

void GradientBuckets::dispose() {
  for (Parameter& parameter : parameters_) parameter.accumulator->del_post_hook(parameter.hook);
}

void GradientBuckets::arm(const std::vector<int64_t>& unreached) {
  const c10::AutoGradMode no_grad(false);
  std::lock_guard<std::mutex> lock(mutex_);
  if (fault_) std::rethrow_exception(fault_);
  if (armed_) throw Misuse("the exchange before this one was not finished");
  for (const int64_t i : unreached)
    if (i < 0 || i >= static_cast<int64_t>(parameters_.size()))
      throw Misuse("there is no parameter " + std::to_string(i) + "; there are " + std::to_string(parameters_.size()));
  armed_ = true;
  next_ = 0;
  for (Bucket& bucket : buckets_) bucket.awaited = bucket.parameters;
  for (Parameter& parameter : parameters_) parameter.taken = false;
  for (const int64_t i : unreached) take(parameters_[i]);
  launch();
}

void GradientBuckets::arrive(size_t i) {
  const c10::AutoGradMode no_grad(false);
  std::lock_guard<std::mutex> lock(mutex_);
  if (!armed_) return;
  if (fault_) std::rethrow_exception(fault_);
  if (parameters_[i].taken) {
    fault_ = std::make_exception_ptr(
        Misuse("parameter " + std::to_string(i) +
               " got a gradient after its own had been given away: it was called unreached, or reached by two passes"));
    std::rethrow_exception(fault_);
  }
  take(parameters_[i]);
  launch();
}

void GradientBuckets::take(Parameter& parameter) {
  if (parameter.taken) return;
  at::Tensor& gradient = parameter.tensor.mutable_grad();
  if (gradient.defined())
    at::mul_out(parameter.slice, gradient, at::scalar_tensor(1.0 / team_->size(), at::kDouble));
  else
    parameter.slice.zero_();
  gradient = at::Tensor();
  parameter.taken = true;
  buckets_[parameter.bucket].awaited--;
}

void GradientBuckets::launch() {
  for (; next_ < buckets_.size() && buckets_[next_].awaited == 0; next_++)
    buckets_[next_].work = team_->start_sum(buckets_[next_].flat);
}

std::vector<at::Tensor> GradientBuckets::finish() {
  const c10::AutoGradMode no_grad(false);
  std::lock_guard<std::mutex> lock(mutex_);
  if (fault_) std::rethrow_exception(fault_);
  if (!armed_) throw Misuse("no exchange of gradients was begun");
  for (Parameter& parameter : parameters_) take(parameter);
  launch();
  try {
    for (Bucket& bucket : buckets_) {
      team_->finish_sum(bucket.work);
      bucket.work.reset();
    }
  } catch (...) {
    fault_ = std::current_exception();
    throw;
  }
  armed_ = false;
  std::vector<at::Tensor> averages;
  for (const Parameter& parameter : parameters_) averages.push_back(parameter.slice);
  return averages;
}

}  // namespace dream
