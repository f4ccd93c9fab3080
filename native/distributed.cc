// What a team's processes do together, and what JavaScript calls of it.
#include "distributed.h"

#include <torch/csrc/autograd/custom_function.h>

#include "buckets.h"
#include "joining.h"

namespace dream {

namespace {

constexpr int64_t kMessageBytes = 64 << 20;

// Elements as bytes, which every transport moves whatever their type.
at::Tensor bytes_of(const at::Tensor& contiguous) { return contiguous.view({-1}).view(at::kByte); }

// Gloo sums these; what else it is given fails far from here.
void check_summable(const at::Tensor& x) {
  switch (x.scalar_type()) {
    case at::kFloat: case at::kDouble: case at::kHalf: case at::kInt: case at::kLong: return;
    case at::kBFloat16: if (x.is_cuda()) return; break;
    default: break;
  }
  throw Misuse(std::string("tensors of ") + c10::toString(x.scalar_type()) + " are not reduced across processes");
}

}  // namespace

Team::Team(int64_t rank, int64_t size, at::Device device, c10::intrusive_ptr<Transport> calls,
           c10::intrusive_ptr<Transport> gradients)
    : rank_(rank), size_(size), device_(device), calls_(std::move(calls)), gradients_(std::move(gradients)) {}

// A transport waits for its calls when it is let go of. A process that ends without leaving, as after an error, may have
// calls under way that nobody will answer: its connections close with it.
Team::~Team() {
  calls_.release();
  gradients_.release();
}

void Team::leave() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (lost_.empty() && sums_under_way_ == 0) {
    calls_.reset();
    gradients_.reset();
  }
  lost_ = "this process has left its team";
}

void Team::check_open() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!lost_.empty()) throw PeerLost(lost_);
}

void Team::wait(const c10::intrusive_ptr<c10d::Work>& work) {
  try {
    work->wait();
  } catch (const std::exception& error) {
    const std::string text = error.what();
    const std::string reason = text.substr(0, text.find('\n'));
    const bool silent = reason.find("imed out") != std::string::npos || reason.find("imeout") != std::string::npos;
    std::lock_guard<std::mutex> lock(mutex_);
    if (lost_.empty())
      lost_ = (silent ? "another process does not answer (" : "another process ended (") + reason + ")";
    throw PeerLost(lost_);
  }
}

void Team::all_reduce(at::Tensor& x, c10d::ReduceOp::RedOpType how) {
  check_open();
  check_summable(x);
  const at::Tensor mine = x.detach();
  std::vector<at::Tensor> moved{mine.to(device_).contiguous()};
  c10d::AllreduceOptions options;
  options.reduceOp = how;
  wait(calls_->allreduce(moved, options));
  if (moved[0].is_same(mine))
    x.unsafeGetTensorImpl()->bump_version();
  else
    mine.copy_(moved[0]);
}

void Team::broadcast(const std::vector<at::Tensor>& tensors, int64_t from) {
  std::vector<at::Tensor> message;
  int64_t bytes = 0;
  for (const at::Tensor& tensor : tensors) {
    if (bytes > 0 && bytes + static_cast<int64_t>(tensor.nbytes()) > kMessageBytes) {
      broadcast_packed(message, from);
      message.clear();
      bytes = 0;
    }
    message.push_back(tensor.detach());
    bytes += tensor.nbytes();
  }
  if (bytes > 0) broadcast_packed(message, from);
}

void Team::broadcast_packed(const std::vector<at::Tensor>& tensors, int64_t from) {
  check_open();
  std::vector<at::Tensor> parts;
  for (const at::Tensor& tensor : tensors) parts.push_back(bytes_of(tensor.contiguous()).to(device_));
  std::vector<at::Tensor> packed{at::cat(parts)};
  c10d::BroadcastOptions options;
  options.rootRank = from;
  wait(calls_->broadcast(packed, options));
  if (rank_ == from) return;
  int64_t offset = 0;
  for (const at::Tensor& tensor : tensors) {
    const int64_t length = tensor.nbytes();
    // A copy of its own, since a view of another type has to begin at a multiple of that type's size.
    const at::Tensor part = packed[0].narrow(0, offset, length).clone();
    tensor.copy_(part.view(tensor.scalar_type()).view(tensor.sizes()));
    offset += length;
  }
}

at::Tensor Team::all_gather(const at::Tensor& x) {
  check_open();
  const at::Tensor mine = x.detach().to(device_).contiguous();
  std::vector<int64_t> shape = mine.sizes().vec();
  shape[0] *= size_;
  const at::Tensor all = at::empty(shape, mine.options());
  std::vector<at::Tensor> inputs{bytes_of(mine)};
  std::vector<std::vector<at::Tensor>> outputs{bytes_of(all).chunk(size_)};
  wait(calls_->allgather(outputs, inputs));
  return all.to(x.device());
}

c10::intrusive_ptr<c10d::Work> Team::start_sum(const at::Tensor& flat) {
  check_open();
  std::vector<at::Tensor> tensors{flat};
  auto work = gradients_->allreduce(tensors);
  std::lock_guard<std::mutex> lock(mutex_);
  sums_under_way_++;
  return work;
}

void Team::finish_sum(const c10::intrusive_ptr<c10d::Work>& work) {
  wait(work);
  std::lock_guard<std::mutex> lock(mutex_);
  sums_under_way_--;
}

namespace {

// Every process computes the same loss of what was gathered, and gradients are averaged over the P processes afterwards:
// so the own slice's gradient, P times, is all that a process has to add, and nothing needs to be sent.
struct Gather : torch::autograd::Function<Gather> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, Team* team) {
    context->saved_data["rank"] = team->rank();
    context->saved_data["size"] = team->size();
    return team->all_gather(x);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const int64_t rank = context->saved_data["rank"].toInt();
    const int64_t size = context->saved_data["size"].toInt();
    const int64_t length = gradients[0].size(0) / size;
    return {gradients[0].narrow(0, rank * length, length) * size, at::Tensor()};
  }
};

Team& team(Call& call) { return *call.instance().teams.at(call.integer(0), "process group").value; }

std::chrono::milliseconds milliseconds(double count) {
  return std::chrono::milliseconds(static_cast<int64_t>(count));
}

// join_team(rank, size, backend, device, meeting, place, port, prefix, network, listen, join_timeout, timeout) -> slot.
napi_value join_team(Call& call) {
  const Rendezvous at{call.integer(0), call.integer(1), call.string(2), parse_device(call.string(3)),
                      call.string(4),  call.string(5),  call.integer(6), call.string(7),
                      call.string(8),  call.string(9),  milliseconds(call.number(10)), milliseconds(call.number(11))};
  return from_number(call.env(), call.instance().teams.add({join(at)}));
}

napi_value leave_team(Call& call) {
  team(call).leave();
  call.instance().teams.remove(call.integer(0));
  return undefined(call.env());
}

// all_reduce(team, slot, "sum" | "max")
napi_value all_reduce(Call& call) {
  team(call).all_reduce(call.tensor(1), call.string(2) == "max" ? c10d::ReduceOp::MAX : c10d::ReduceOp::SUM);
  return undefined(call.env());
}

// broadcast(team, slots, from)
napi_value broadcast(Call& call) {
  team(call).broadcast(call.tensors(1), call.integer(2));
  return undefined(call.env());
}

// gather(team, slot) -> slot.
napi_value gather(Call& call) {
  const at::Tensor& x = call.tensor(1);
  if (x.dim() == 0 || x.numel() == 0) throw Misuse("only a tensor with a first axis and elements is gathered");
  return from_tensor(call.env(), call.instance(), Gather::apply(x, &team(call)));
}

GradientBuckets& buckets(Call& call) {
  return *call.instance().buckets.at(call.integer(0), "set of gradient buckets").value;
}

// make_buckets(team, parameters, bytes) -> slot.
napi_value make_buckets(Call& call) {
  const auto& found = call.instance().teams.at(call.integer(0), "process group").value;
  auto made = std::make_shared<GradientBuckets>(found, call.tensors(1), static_cast<int64_t>(call.number(2)));
  made->listen();
  return from_number(call.env(), call.instance().buckets.add({std::move(made)}));
}

// arm_buckets(buckets, unreached)
napi_value arm_buckets(Call& call) {
  buckets(call).arm(call.integers(1));
  return undefined(call.env());
}

// finish_buckets(buckets) -> a slot for each parameter.
napi_value finish_buckets(Call& call) {
  const auto averages = buckets(call).finish();
  napi_value result;
  napi_create_array_with_length(call.env(), averages.size(), &result);
  for (size_t i = 0; i < averages.size(); i++)
    napi_set_element(call.env(), result, i, from_tensor(call.env(), call.instance(), averages[i]));
  return result;
}

napi_value dispose_buckets(Call& call) {
  buckets(call).dispose();
  call.instance().buckets.remove(call.integer(0));
  return undefined(call.env());
}

}  // namespace

std::vector<Export> distributed_exports() {
  return {{"joinTeam", exported<join_team>},         {"leaveTeam", exported<leave_team>},
          {"allReduce", exported<all_reduce>},       {"broadcast", exported<broadcast>},
          {"gather", exported<gather>},              {"makeBuckets", exported<make_buckets>},
          {"armBuckets", exported<arm_buckets>},     {"finishBuckets", exported<finish_buckets>},
          {"disposeBuckets", exported<dispose_buckets>}};
}

}  // namespace dream
