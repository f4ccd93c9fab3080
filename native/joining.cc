// How a process joins its team: the store where all meet, and the transports between them.
#include "joining.h"

#if __has_include(<gloo/transport/device.h>)
#define DREAM_WITH_GLOO
#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO
#endif
#endif
// NCCL's part of c10d needs all of these, and a libtorch for CUDA that is linked; a GPU's driver alone brings none.
#if defined(DREAM_WITH_CUDA) && __has_include(<nccl.h>) && __has_include(<cuda_runtime_api.h>) && \
    __has_include(<cublas_v2.h>) && __has_include(<cusparse.h>) && __has_include(<cusolverDn.h>)
#define DREAM_WITH_NCCL
#ifndef USE_C10D_NCCL
#define USE_C10D_NCCL
#endif
#endif

#include <torch/csrc/distributed/c10d/FileStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef DREAM_WITH_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#ifdef DREAM_WITH_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

namespace dream {

namespace {

using StoreHandle = c10::intrusive_ptr<c10d::Store>;

StoreHandle open_store(const Rendezvous& at) {
  StoreHandle store;
  if (at.meeting == "file") {
    store = c10::make_intrusive<c10d::FileStore>(at.place, static_cast<int>(at.size));
  } else {
    c10d::TCPStoreOptions options;
    options.port = static_cast<uint16_t>(at.port);
    options.isServer = at.meeting == "server";
    options.waitWorkers = false;
    options.timeout = at.join_timeout;
    store = c10::make_intrusive<c10d::TCPStore>(at.place, options);
  }
  store->setTimeout(at.join_timeout);
  if (at.prefix.empty()) return store;
  return c10::make_intrusive<c10d::PrefixStore>(at.prefix, store);
}

// Transports wait for each other with the timeout of their calls, which is long; so everyone is awaited here first.
void await_everyone(c10d::Store& store, const Rendezvous& at) {
  const auto key = [](int64_t rank) { return "here/" + std::to_string(rank); };
  std::vector<std::string> keys;
  for (int64_t rank = 0; rank < at.size; rank++) keys.push_back(key(rank));
  store.set(key(at.rank), std::vector<uint8_t>{1});
  try {
    store.wait(keys, at.join_timeout);
  } catch (const std::exception& error) {
    std::string missing;
    for (int64_t rank = 0; rank < at.size; rank++)
      if (!store.check({key(rank)})) missing += (missing.empty() ? "" : ", ") + std::to_string(rank);
    throw PeerLost("of " + std::to_string(at.size) + " processes " + missing + " did not come within " +
                   std::to_string(at.join_timeout.count() / 1000) + " s");
  }
}

#ifdef DREAM_WITH_GLOO
c10::intrusive_ptr<Transport> gloo(const StoreHandle& store, const Rendezvous& at) {
  auto options = c10d::ProcessGroupGloo::Options::create(at.timeout);
  options->devices.push_back(at.network == "interface"
                                 ? c10d::ProcessGroupGloo::createDeviceForInterface(at.listen)
                                 : c10d::ProcessGroupGloo::createDeviceForHostname(at.listen));
  return c10::make_intrusive<c10d::ProcessGroupGloo>(store, static_cast<int>(at.rank), static_cast<int>(at.size),
                                                     std::move(options));
}
#else
c10::intrusive_ptr<Transport> gloo(const StoreHandle&, const Rendezvous&) {
  throw Misuse("this addon was built without Gloo, whose headers this libtorch came without: install libgloo-dev, "
               "delete build/addon.stamp and run `npm run setup`");
}
#endif

#ifdef DREAM_WITH_NCCL
c10::intrusive_ptr<Transport> nccl(const StoreHandle& store, const Rendezvous& at) {
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = at.timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, static_cast<int>(at.rank), static_cast<int>(at.size),
                                                     std::move(options));
}
#else
c10::intrusive_ptr<Transport> nccl(const StoreHandle&, const Rendezvous&) {
  throw Misuse("this addon was built without NCCL, since nccl.h or CUDA's headers were not there: install them, delete "
               "build/addon.stamp and run `npm run setup`");
}
#endif

}  // namespace

std::shared_ptr<Team> join(const Rendezvous& at) {
  const auto transport = at.backend == "nccl" ? nccl : gloo;
  const StoreHandle store = open_store(at);
  await_everyone(*store, at);
  const auto connect = [&](const char* name) {
    return transport(c10::make_intrusive<c10d::PrefixStore>(name, store), at);
  };
  auto team = std::make_shared<Team>(at.rank, at.size, at.device, connect("calls"), connect("gradients"));
  // Once this is through everyone is connected, and the store has done its work.
  at::Tensor all_here = at::ones({1}, at::TensorOptions().device(at.device));
  team->all_reduce(all_here, c10d::ReduceOp::SUM);
  team->finish_sum(team->start_sum(all_here));
  // A FileStore says goodbye when it is let go of, and waits so long for a file that is gone by then.
  store->setTimeout(std::chrono::seconds(5));
  return team;
}

}  // namespace dream
