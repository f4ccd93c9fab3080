#pragma once

#include "values.h"

namespace dream {

std::vector<Export> runtime_exports();

}  // namespace dream
