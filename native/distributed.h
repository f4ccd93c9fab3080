// A team of processes that compute together: libtorch's c10d, whose transports are Gloo on CPUs and NCCL on GPUs.
#pragma once

#include <torch/version.h>

#if TORCH_VERSION_MAJOR >= 2
#include <torch/csrc/distributed/c10d/Backend.hpp>
#else
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#endif

#include <mutex>

#include "values.h"

namespace dream {

#if TORCH_VERSION_MAJOR >= 2
using Transport = c10d::Backend;
#else
using Transport = c10d::ProcessGroup;
#endif

// Calls match by their order, so every process makes the same ones. Gradients have connections of their own: when a
// bucket is complete depends on what a process's backward pass reached, and must not mix with a program's calls.
class Team {
 public:
  Team(int64_t rank, int64_t size, at::Device device, c10::intrusive_ptr<Transport> calls,
       c10::intrusive_ptr<Transport> gradients);
  ~Team();

  int64_t rank() const { return rank_; }
  int64_t size() const { return size_; }
  at::Device device() const { return device_; }

  // In place.
  void all_reduce(at::Tensor& x, c10d::ReduceOp::RedOpType how);
  // In place, packed into messages of many tensors.
  void broadcast(const std::vector<at::Tensor>& tensors, int64_t from);
  // [B, ...] -> [P B, ...]
  at::Tensor all_gather(const at::Tensor& x);
  // Starts the sum of a flat, contiguous tensor on the transport's device, over the gradients' connections.
  c10::intrusive_ptr<c10d::Work> start_sum(const at::Tensor& flat);
  // Waits for what was started so. @throws PeerLost
  void finish_sum(const c10::intrusive_ptr<c10d::Work>& work);
  // Closes the connections; what is still under way is abandoned.
  void leave();

 private:
  void broadcast_packed(const std::vector<at::Tensor>& tensors, int64_t from);
  void check_open();
  void wait(const c10::intrusive_ptr<c10d::Work>& work);

  const int64_t rank_;
  const int64_t size_;
  const at::Device device_;
  c10::intrusive_ptr<Transport> calls_;
  c10::intrusive_ptr<Transport> gradients_;
  // Why nothing can be called any more; empty while all is well.
  std::string lost_;
  int64_t sums_under_way_ = 0;
  std::mutex mutex_;
};

std::vector<Export> distributed_exports();

}  // namespace dream
