#pragma once

namespace dream {

// Makes libtorch's CPU tensors come from an allocator that keeps large freed blocks for the next tensor of their size.
void keep_freed_blocks();

}  // namespace dream
