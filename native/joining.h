#pragma once

#include <memory>

#include "distributed.h"

namespace dream {

// Where and how a process meets its team.
struct Rendezvous {
  int64_t rank;
  int64_t size;
  // "gloo" or "nccl", and the device whose tensors it moves
  std::string backend;
  at::Device device;
  // "file": a path that all processes see. "server" or "client": an address and a port.
  std::string meeting;
  std::string place;
  int64_t port;
  // What this meeting's keys begin with, where the store outlives it; may be empty.
  std::string prefix;
  // What Gloo listens on: "address" or "interface", and its name.
  std::string network;
  std::string listen;
  std::chrono::milliseconds join_timeout;
  std::chrono::milliseconds timeout;
};

// Blocks until every process has joined. @throws PeerLost, Misuse
std::shared_ptr<Team> join(const Rendezvous& at);

}  // namespace dream
