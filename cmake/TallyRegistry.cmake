# add_strategy(NAME) and add_workload(NAME): one line each registers a header everywhere: the command line, every workload,
# the conformance suite, the micro benchmarks. Per strategy and use there is one generated source and, where it goes into a
# library, one object library (tally_native_NAME), so that a change to a strategy rebuilds only its own.

set(TALLY_STRATEGY_DIR ${PROJECT_SOURCE_DIR}/strategies)
set_property(GLOBAL PROPERTY tally_strategies "")
set_property(GLOBAL PROPERTY tally_workloads "")

# add_strategy(NAME [OBSERVED] [STAMPED] [NEEDS target...]): NAME.hpp beside the list file. NEEDS: libraries; a strategy whose library is
# missing is left out with a message. OBSERVED: it counts with read-modify-writes of the memory policy, and its default variant is
# built a second time, on the observed policy, for `tally run --observe`. STAMPED: it is built once more, on the stamped policy, for
# `tally run --mode promptness`.
function(add_strategy name)
  cmake_parse_arguments(arg "OBSERVED;STAMPED" "" "NEEDS" ${ARGN})
  if(TALLY_ONLY AND NOT name IN_LIST TALLY_ONLY)
    return()
  endif()
  foreach(library IN LISTS arg_NEEDS)
    if(NOT TARGET ${library})
      message(STATUS "strategy ${name}: left out, ${library} was not found")
      return()
    endif()
  endforeach()
  set_property(GLOBAL APPEND PROPERTY tally_strategies ${name})
  set_property(GLOBAL PROPERTY tally_header_${name} ${TALLY_STRATEGY_DIR}/${name}.hpp)
  set_property(GLOBAL PROPERTY tally_needs_${name} "${arg_NEEDS}")
  set_property(GLOBAL PROPERTY tally_observed_${name} ${arg_OBSERVED})
  set_property(GLOBAL PROPERTY tally_stamped_${name} ${arg_STAMPED})
endfunction()

# add_workload(NAME [RACES] [CONTENDED] [STAMPED]): as workloads.cmake says.
function(add_workload name)
  cmake_parse_arguments(arg "RACES;CONTENDED;STAMPED" "" "" ${ARGN})
  set_property(GLOBAL APPEND PROPERTY tally_workloads ${name})
  if(arg_CONTENDED)
    set_property(GLOBAL APPEND PROPERTY tally_contended ${name})
  endif()
  if(arg_STAMPED)
    set_property(GLOBAL APPEND PROPERTY tally_stamped ${name})
  endif()
  if(TALLY_SANITIZE AND NOT arg_RACES)
    set_property(GLOBAL APPEND PROPERTY tally_defaults_only ${name})
  endif()
endfunction()

# tally_source(PREFIX STRATEGY TEXT): generated/PREFIX_STRATEGY.cpp, which includes the strategy and goes on with TEXT, where {s}
# stands for its name. Sets `source`, and `needs` to the strategy's libraries.
function(tally_source prefix s text)
  get_property(header GLOBAL PROPERTY tally_header_${s})
  get_property(of_strategy GLOBAL PROPERTY tally_needs_${s})
  string(REPLACE "{s}" "${s}" text "${text}")
  set(at ${PROJECT_BINARY_DIR}/generated/${prefix}_${s}.cpp)
  file(CONFIGURE OUTPUT ${at} CONTENT "#include \"${header}\"\n${text}")
  set(source ${at} PARENT_SCOPE)
  set(needs "${of_strategy}" PARENT_SCOPE)
endfunction()

# tally_parts(LIBRARY PREFIX TEXT STRATEGIES name... [LIBRARIES target...] [OPTIONS option...]): one such source for each of these
# strategies, an object library tally_PREFIX_STRATEGY that becomes a part of LIBRARY.
function(tally_parts library prefix text)
  cmake_parse_arguments(arg "" "" "STRATEGIES;LIBRARIES;OPTIONS" ${ARGN})
  foreach(s IN LISTS arg_STRATEGIES)
    tally_source(${prefix} ${s} "${text}")
    set(part tally_${prefix}_${s})
    add_library(${part} OBJECT ${source})
    target_link_libraries(${part} PUBLIC tally_flags ${needs} ${arg_LIBRARIES})
    target_compile_options(${part} PRIVATE ${arg_OPTIONS})
    target_link_libraries(${library} PUBLIC ${needs})
    target_sources(${library} PRIVATE $<TARGET_OBJECTS:${part}>)
  endforeach()
endfunction()

# tally_each(VARIABLE PATTERN name...): PATTERN once for each name, in the place of {s}.
function(tally_each variable pattern)
  set(all "")
  foreach(s IN LISTS ARGN)
    string(REPLACE "{s}" "${s}" one "${pattern}")
    string(APPEND all "${one}")
  endforeach()
  set(${variable} "${all}" PARENT_SCOPE)
endfunction()

# generated/all_workloads.hpp: the workloads as types.
function(tally_generate_workloads)
  get_property(workloads GLOBAL PROPERTY tally_workloads)
  get_property(defaults_only GLOBAL PROPERTY tally_defaults_only)
  get_property(contended GLOBAL PROPERTY tally_contended)
  get_property(stamped GLOBAL PROPERTY tally_stamped)
  tally_each(includes "#include \"workloads/{s}.hpp\"\n" ${workloads})
  tally_each(left_out "template <> inline constexpr bool defaults_only<workloads::{s}> = true;\n" ${defaults_only})
  list(TRANSFORM workloads PREPEND "workloads::")
  list(JOIN workloads ", " workloads)
  list(TRANSFORM contended PREPEND "workloads::")
  list(JOIN contended ", " contended)
  list(TRANSFORM stamped PREPEND "workloads::")
  list(JOIN stamped ", " stamped)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/all_workloads.hpp CONTENT
"#pragma once
${includes}
namespace tally {
using all_workloads = workload_list<${workloads}>;
using contended_workloads = workload_list<${contended}>;
using stamped_workloads = workload_list<${stamped}>;
${left_out}}
")
endfunction()

# tally_registry_source(NAME HEADER FUNCTION PREFIX [OBSERVED name...] [STAMPED name...] ...): generated/NAME.cpp, which defines
# `const registry& FUNCTION()` of PREFIX_STRATEGY() for every strategy, and of observed_STRATEGY() and stamped_STRATEGY() for those named. With WATCHED each has watched_STRATEGY()'s heaps.
function(tally_registry_source name header function prefix)
  cmake_parse_arguments(arg "WATCHED" "" "OBSERVED;STAMPED" ${ARGN})
  get_property(strategies GLOBAL PROPERTY tally_strategies)
  get_property(workloads GLOBAL PROPERTY tally_workloads)
  tally_each(declarations "strategy_entry ${prefix}_{s}();\n" ${strategies})
  tally_each(observed_declarations "strategy_entry observed_{s}();\n" ${arg_OBSERVED})
  tally_each(stamped_declarations "strategy_entry stamped_{s}();\n" ${arg_STAMPED})
  set(entry "${prefix}_{s}()")
  if(arg_WATCHED)
    tally_each(watched_declarations "std::vector<watch_maker> watched_{s}();\n" ${strategies})
    string(APPEND declarations "${watched_declarations}")
    set(entry "with_watched(${entry}, watched_{s}())")
  endif()
  tally_each(calls "${entry}, " ${strategies})
  tally_each(observed_calls "observed_{s}(), " ${arg_OBSERVED})
  tally_each(stamped_calls "stamped_{s}(), " ${arg_STAMPED})
  tally_each(infos "workloads::{s}::info, " ${workloads})
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/${name}.cpp CONTENT
"#include \"all_workloads.hpp\"
#include \"${header}\"
namespace tally {
${declarations}${observed_declarations}${stamped_declarations}
const registry& ${function}() {
  static const registry all{{${calls}}, {${infos}}, {${observed_calls}}, {${stamped_calls}}};
  return all;
}
}
")
endfunction()

# tally_registry: every strategy on the native policy, the twins that count line hand-offs, and those that tell when objects are freed.
function(tally_generate_registry)
  get_property(strategies GLOBAL PROPERTY tally_strategies)
  set(observed "")
  set(stamped "")
  if(NOT TALLY_SANITIZE)  # hand-offs and times under a sanitizer say nothing
    foreach(s IN LISTS strategies)
      foreach(twin IN ITEMS observed stamped)
        get_property(is_built GLOBAL PROPERTY tally_${twin}_${s})
        if(is_built)
          list(APPEND ${twin} ${s})
        endif()
      endforeach()
    endforeach()
  endif()
  tally_registry_source(registry harness/engine/registry.hpp built_in native WATCHED OBSERVED ${observed} STAMPED ${stamped})
  add_library(tally_registry STATIC ${PROJECT_BINARY_DIR}/generated/registry.cpp)
  target_link_libraries(tally_registry PUBLIC tally_engine)
  tally_parts(tally_registry native
"#include \"all_workloads.hpp\"
#include \"harness/engine/bind.hpp\"
namespace tally {
strategy_entry native_{s}() {
  return bind_strategy<strategies::{s}, native>(strategies::{s}::variants{}, all_workloads{});
}
}
" STRATEGIES ${strategies} OPTIONS ${measured_options})
  tally_parts(tally_registry observed
"#include \"all_workloads.hpp\"
#include \"harness/engine/bind_observed.hpp\"
namespace tally {
strategy_entry observed_{s}() {
  return bind_observed<strategies::{s}>(strategies::{s}::variants{}, all_workloads{}, contended_workloads{});
}
}
" STRATEGIES ${observed} OPTIONS ${measured_options})
  tally_parts(tally_registry stamped
"#include \"all_workloads.hpp\"
#include \"harness/engine/bind_stamped.hpp\"
namespace tally {
strategy_entry stamped_{s}() { return bind_stamped<strategies::{s}>(all_workloads{}, stamped_workloads{}); }
}
" STRATEGIES ${stamped} OPTIONS ${measured_options})
  tally_parts(tally_registry watched
"#include \"harness/watch/watched_adapter.hpp\"
namespace tally {
std::vector<watch_maker> watched_{s}() { return bind_watched<strategies::{s}>(strategies::{s}::variants{}); }
}
" STRATEGIES ${strategies} OPTIONS ${measured_options})  # functions that both have are one in the program: the measured ones
endfunction()

# tally_simulated: the same pairs on the simulated policy, for tally sim. The simulator's own code is where its time goes, so that
# -O1 is enough for these and compiles in 60 % of the time.
function(tally_generate_simulated)
  if(NOT TALLY_SIM)
    return()
  endif()
  get_property(strategies GLOBAL PROPERTY tally_strategies)
  tally_registry_source(simulated harness/session/sim_session.hpp built_in_simulated sim)
  add_library(tally_simulated STATIC ${PROJECT_BINARY_DIR}/generated/simulated.cpp)
  target_link_libraries(tally_simulated PUBLIC tally_session)
  tally_parts(tally_simulated sim
"#include \"all_workloads.hpp\"
#include \"harness/sim/bind_simulated.hpp\"
namespace tally {
strategy_entry sim_{s}() { return bind_simulated<strategies::{s}>(strategies::{s}::variants{}, all_workloads{}); }
}
" STRATEGIES ${strategies} OPTIONS -O1)
endfunction()

# One conformance program per strategy, conform_NAME: the contract's laws and the reference model over every built variant, and
# sequences over several contexts over every combination of options.
function(tally_generate_conformance)
  get_property(strategies GLOBAL PROPERTY tally_strategies)
  foreach(s IN LISTS strategies)
    tally_source(conform ${s}
"#include \"tests/conform/conform.hpp\"
namespace tally::conform {
using family = strategies::{s};
using heaps = heaps_of<family, family::variants>::type;
INSTANTIATE_TYPED_TEST_SUITE_P({s}, Laws, heaps);
INSTANTIATE_TYPED_TEST_SUITE_P({s}, Model, heaps);
TEST(Sequences, OverSeveralContextsLeaveWhatTheReferenceModelSays) { check_sequences<family>(); }
}
")
    add_executable(conform_${s} ${source})
    target_link_libraries(conform_${s} PRIVATE tally_engine tally_sequences GTest::gtest GTest::gmock GTest::gtest_main ${needs})
    if(TARGET rapidcheck)
      target_link_libraries(conform_${s} PRIVATE rapidcheck)
      target_compile_definitions(conform_${s} PRIVATE TALLY_RAPIDCHECK)
    endif()
    target_compile_options(conform_${s} PRIVATE ${TALLY_TEST_OPTIONS})
    add_test(NAME conform_${s} COMMAND conform_${s})
    set_tests_properties(conform_${s} PROPERTIES LABELS conform TIMEOUT 600
                         ENVIRONMENT "RC_PARAMS=max_success=200 max_size=150")
  endforeach()
endfunction()

# One program per strategy, fault_NAME: what each built variant does when memory ends, and when owners exit.
function(tally_generate_faults)
  get_property(strategies GLOBAL PROPERTY tally_strategies)
  foreach(s IN LISTS strategies)
    tally_source(fault ${s}
"namespace tally::fault {
inline constexpr auto strategy_under_test = \"{s}\";
}
#include \"tests/fault/suite.hpp\"
namespace tally::fault {
using family = strategies::{s};
using heaps = conform::heaps_of<family, family::variants>::type;
INSTANTIATE_TYPED_TEST_SUITE_P({s}, Allocation, heaps);
using stepped_ones = stepped_heaps<family, family::variants>::type;
INSTANTIATE_TYPED_TEST_SUITE_P({s}, Owners, stepped_ones);
}
")
    add_executable(fault_${s} ${source} ${PROJECT_SOURCE_DIR}/tests/fault/injection.cpp)
    target_link_libraries(fault_${s} PRIVATE tally_flags GTest::gtest GTest::gtest_main ${needs} ${CMAKE_DL_LIBS})
    target_compile_options(fault_${s} PRIVATE ${TALLY_TEST_OPTIONS})
    add_test(NAME fault_${s} COMMAND fault_${s} --gtest_brief=1)
    set_tests_properties(fault_${s} PROPERTIES LABELS fault TIMEOUT 300)
  endforeach()
endfunction()

# One model program per strategy, model_NAME: every program of tests/model over every built variant, under the model checker;
# and mutants_NAME, which is the same program made wrong in one place after another.
function(tally_generate_model)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/harness/model/*.cpp)
  add_library(tally_model STATIC ${sources} ${PROJECT_SOURCE_DIR}/tests/model/suite.cpp)
  target_link_libraries(tally_model PUBLIC tally_flags GTest::gtest)
  target_include_directories(tally_model SYSTEM PRIVATE ${TALLY_RELACY})
  # The checker's operator delete is the plain one.
  target_compile_options(tally_model PUBLIC -fno-sized-deallocation -UNDEBUG)
  target_compile_definitions(tally_model PRIVATE TALLY_SOURCE_DIR="${PROJECT_SOURCE_DIR}" TALLY_EXTRA_DIR="${TALLY_EXTRA}")
  get_property(strategies GLOBAL PROPERTY tally_strategies)
  foreach(s IN LISTS strategies)
    tally_source(model ${s}
"#include \"tests/model/suite.hpp\"
int main(int argc, char** argv) { return tally::model::run_family<tally::strategies::{s}>(argc, argv); }
")
    add_executable(model_${s} ${source})
    target_link_libraries(model_${s} PRIVATE tally_model ${needs})
    add_test(NAME model_${s} COMMAND model_${s} --gtest_brief=1 --gtest_filter=-Mutants.*)
    add_test(NAME mutants_${s} COMMAND model_${s} --gtest_brief=1 --gtest_filter=Mutants.*)

    set_tests_properties(model_${s} mutants_${s} PROPERTIES LABELS model TIMEOUT ${TALLY_MODEL_TIMEOUT}
                         ENVIRONMENT "TALLY_MODEL_SCALE=${TALLY_MODEL_SCALE}")
  endforeach()
endfunction()

# tally_micro: Google Benchmark over the registry; a stub that says what is missing where the library is.
function(tally_generate_micro)
  add_library(tally_micro STATIC)
  target_link_libraries(tally_micro PUBLIC tally_session)
  if(NOT TARGET benchmark::benchmark)
    message(STATUS "tally micro: left out, Google Benchmark was not found (libbenchmark-dev)")
    target_sources(tally_micro PRIVATE ${PROJECT_SOURCE_DIR}/harness/micro/absent.cpp)
    return()
  endif()
  target_sources(tally_micro PRIVATE ${PROJECT_SOURCE_DIR}/harness/micro/run.cpp ${PROJECT_SOURCE_DIR}/harness/micro/baselines.cpp)
  target_link_libraries(tally_micro PUBLIC benchmark::benchmark)
  get_property(strategies GLOBAL PROPERTY tally_strategies)
  tally_parts(tally_micro micro
"#include \"harness/micro/operations.hpp\"
namespace tally::micro {
void add_{s}(benchmark_list& into) { add_family<strategies::{s}, native>(into, strategies::{s}::variants{}); }
}
" STRATEGIES ${strategies} LIBRARIES benchmark::benchmark OPTIONS ${measured_options})
  tally_each(declarations "void add_{s}(benchmark_list& into);\n" ${strategies})
  tally_each(calls "  add_{s}(into);\n" ${strategies})
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/micro.cpp CONTENT
"#include \"harness/micro/micro.hpp\"
namespace tally::micro {
${declarations}
void add_strategies(benchmark_list& into) {
${calls}}
}
")
  target_sources(tally_micro PRIVATE ${PROJECT_BINARY_DIR}/generated/micro.cpp)
endfunction()
