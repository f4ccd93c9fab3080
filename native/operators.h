#pragma once

#include "values.h"

namespace dream {

std::vector<Export> operator_exports();

}  // namespace dream
