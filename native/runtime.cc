// Threads, devices, and random generators.
#include "runtime.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include <mutex>

#ifndef INTRA_OP_PARALLEL
#error "libtorch's loops would run on one thread: compile with -fopenmp"
#endif

namespace dream {

namespace {

napi_value version(Call& call) { return from_string(call.env(), TORCH_VERSION); }

// configuration() -> libtorch's own account of how it was built.
napi_value configuration(Call& call) { return from_string(call.env(), at::show_config()); }

napi_value parallelism(Call& call) { return from_string(call.env(), at::get_parallel_info()); }

napi_value threads(Call& call) { return from_number(call.env(), at::get_num_threads()); }

napi_value set_threads(Call& call) {
  at::set_num_threads(call.integer(0));
  return undefined(call.env());
}

napi_value cuda_devices(Call& call) {
  return from_number(call.env(), at::hasCUDA() ? at::detail::getCUDAHooks().getNumGPUs() : 0);
}

// synchronize(device): waits until the device has done what it was given. The CPU always has.
napi_value synchronize(Call& call) {
  const auto device = parse_device(call.string(0));
  if (device.is_cuda()) at::detail::getCUDAHooks().deviceSynchronize(device.has_index() ? device.index() : 0);
  return undefined(call.env());
}

// manual_seed(seed): every device's default generator.
napi_value manual_seed(Call& call) {
  at::manual_seed(static_cast<uint64_t>(call.number(0)));
  return undefined(call.env());
}

// generator(seed) -> slot of a new generator on the CPU.
napi_value generator(Call& call) {
  auto made = at::make_generator<at::CPUGeneratorImpl>(static_cast<uint64_t>(call.number(0)));
  return from_number(call.env(), call.instance().generators.add(std::move(made)));
}

// default_generator(device) -> slot.
napi_value default_generator(Call& call) {
  auto found = at::globalContext().defaultGenerator(parse_device(call.string(0)));
  return from_number(call.env(), call.instance().generators.add(std::move(found)));
}

napi_value dispose_generator(Call& call) {
  call.instance().generators.remove(call.integer(0));
  return undefined(call.env());
}

// generator_state(slot) -> slot of a uint8 tensor.
napi_value generator_state(Call& call) {
  auto& found = call.instance().generators.at(call.integer(0), "generator");
  std::lock_guard<std::mutex> lock(found.mutex());
  return from_tensor(call.env(), call.instance(), found.get_state());
}

napi_value set_generator_state(Call& call) {
  auto& found = call.instance().generators.at(call.integer(0), "generator");
  std::lock_guard<std::mutex> lock(found.mutex());
  found.set_state(call.tensor(1));
  return undefined(call.env());
}

}  // namespace

std::vector<Export> runtime_exports() {
  return {{"version", exported<version>},
          {"configuration", exported<configuration>},
          {"parallelism", exported<parallelism>},
          {"threads", exported<threads>},
          {"setThreads", exported<set_threads>},
          {"cudaDevices", exported<cuda_devices>},
          {"synchronize", exported<synchronize>},
          {"manualSeed", exported<manual_seed>},
          {"generator", exported<generator>},
          {"defaultGenerator", exported<default_generator>},
          {"disposeGenerator", exported<dispose_generator>},
          {"generatorState", exported<generator_state>},
          {"setGeneratorState", exported<set_generator_state>}};
}

}  // namespace dream
