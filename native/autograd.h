#pragma once

#include "values.h"

namespace dream {

std::vector<Export> autograd_exports();

}  // namespace dream
