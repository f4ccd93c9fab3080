#pragma once

#include "values.h"

namespace dream {

std::vector<Export> picture_exports();

}  // namespace dream
