// Gradients in flat buckets, summed across a team's processes while the backward pass goes on. c10d's own Reducer was
// left aside: it wants one backward pass for each exchange, and a step here may have several.
#pragma once

#include <torch/csrc/autograd/function.h>

#include <exception>
#include <memory>

#include "distributed.h"

namespace dream {

class GradientBuckets : public std::enable_shared_from_this<GradientBuckets> {
 public:
  // Parameters are leaves of one kind of device; buckets hold them from the last to the first, as backward comes by.
  GradientBuckets(std::shared_ptr<Team> team, std::vector<at::Tensor> parameters, int64_t bucket_bytes);
  // Hangs a hook on every parameter, until dispose().
  void listen();
  void dispose();

  // The backward pass that follows is the one to exchange; it will not reach the parameters in `unreached`.
  void arm(const std::vector<int64_t>& unreached);
  // Waits for all buckets. @returns a view for each parameter of the gradients' average, valid until the next arm().
  std::vector<at::Tensor> finish();
  // A parameter's gradient is complete: called by autograd, on the thread of the parameter's device.
  void arrive(size_t parameter);

 private:
  struct Parameter {
    at::Tensor tensor;
    std::shared_ptr<torch::autograd::Node> accumulator;
    uintptr_t hook = 0;
    size_t bucket = 0;
    at::Tensor slice;
    bool taken = false;
  };
  struct Bucket {
    at::Tensor flat;
    size_t parameters = 0;
    size_t awaited = 0;
    c10::intrusive_ptr<c10d::Work> work;
  };

  void lay_out(std::vector<size_t> members);
  // Moves what a parameter has accumulated into its slice.
  void take(Parameter& parameter);
  // Starts every bucket that is complete and whose turn it is; the order is the same on every process.
  void launch();

  std::shared_ptr<Team> team_;
  std::vector<Parameter> parameters_;
  std::vector<Bucket> buckets_;
  size_t next_ = 0;
  bool armed_ = false;
  // Why an exchange failed; from then on the processes no longer agree.
  std::exception_ptr fault_;
  std::mutex mutex_;
};

}  // namespace dream
