// The addon's door: one instance for each JavaScript environment, and the functions that it may call.
#include <ATen/Parallel.h>

#include <cstdlib>
#include <mutex>
#include <thread>

#include "allocator.h"
#include "autograd.h"
#include "distributed.h"
#include "operators.h"
#include "pictures.h"
#include "runtime.h"
#include "tensors.h"

namespace {

// Debian's libtorch begins with one thread. Where OMP_NUM_THREADS is set it decides, as for every program of OpenMP.
void use_all_cores() {
  if (std::getenv("OMP_NUM_THREADS") != nullptr) return;
  at::set_num_threads(std::max(1, static_cast<int>(std::thread::hardware_concurrency())));
}

napi_value initialise(napi_env env, napi_value exports) {
  dream::keep_freed_blocks();
  // The number of threads is the process's own: a worker that starts later leaves it as it is.
  static std::once_flag once;
  std::call_once(once, use_all_cores);
  auto* instance = new dream::Instance();
  napi_add_env_cleanup_hook(env, [](void* data) { delete static_cast<dream::Instance*>(data); }, instance);
  for (const auto& group : {dream::operator_exports(), dream::tensor_exports(), dream::autograd_exports(),
                            dream::runtime_exports(), dream::picture_exports(), dream::distributed_exports()}) {
    for (const auto& entry : group) {
      napi_value function;
      napi_create_function(env, entry.name, NAPI_AUTO_LENGTH, entry.callback, instance, &function);
      napi_set_named_property(env, exports, entry.name, function);
    }
  }
  return exports;
}

}  // namespace

NAPI_MODULE(NODE_GYP_MODULE_NAME, initialise)
