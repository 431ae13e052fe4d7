// What a generated fault program includes, after its strategy and `strategy_under_test`, the strategy's name.
#pragma once

#include "tests/fault/allocation.hpp"
#include "tests/fault/owners.hpp"
