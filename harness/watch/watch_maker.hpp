// What the registry keeps of a variant that runs object programs. Apart from watched_heap.hpp, which whoever has a registry need not see.
#pragma once

#include <memory>

#include "harness/contract/strategy.hpp"

namespace tally {

class watched_heap;
using watch_maker = std::unique_ptr<watched_heap> (*)(const heap_config&);

}  // namespace tally
