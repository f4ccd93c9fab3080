#pragma once

#include "values.h"

namespace dream {

std::vector<Export> tensor_exports();

}  // namespace dream
