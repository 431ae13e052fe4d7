# add_strategy(NAME) and add_workload(NAME): one line each registers a header everywhere: the command line, every workload,
# the conformance suite, the micro benchmarks. Per strategy there is one object library (tally_native_NAME), so that a change
# to a strategy rebuilds one translation unit.

set(TALLY_STRATEGY_DIR ${CMAKE_SOURCE_DIR}/strategies)
set_property(GLOBAL PROPERTY tally_strategies "")
set_property(GLOBAL PROPERTY tally_workloads "")

# add_strategy(NAME [OBSERVED] [NEEDS target...]): NAME.hpp beside the list file. NEEDS: libraries; a strategy whose library is
# missing is left out with a message. OBSERVED: it counts with read-modify-writes of the memory policy, and its default variant is
# built a second time, on the observed policy, for `tally run --observe`.
function(add_strategy name)
  cmake_parse_arguments(arg "OBSERVED" "" "NEEDS" ${ARGN})
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
endfunction()

# add_workload(NAME [RACES] [CONTENDED]): as workloads.cmake says.
function(add_workload name)
  cmake_parse_arguments(arg "RACES;CONTENDED" "" "" ${ARGN})
  set_property(GLOBAL APPEND PROPERTY tally_workloads ${name})
  if(arg_CONTENDED)
    set_property(GLOBAL APPEND PROPERTY tally_contended ${name})
  endif()
  if(TALLY_SANITIZE AND NOT arg_RACES)
    set_property(GLOBAL APPEND PROPERTY tally_defaults_only ${name})
  endif()
endfunction()

function(tally_generate_registry)
  get_property(strategies GLOBAL PROPERTY tally_strategies)
  get_property(workloads GLOBAL PROPERTY tally_workloads)
  set(generated ${CMAKE_BINARY_DIR}/generated)

  set(includes "")
  set(types "")
  set(infos "")
  foreach(w IN LISTS workloads)
    string(APPEND includes "#include \"workloads/${w}.hpp\"\n")
    string(APPEND types "workloads::${w}, ")
    string(APPEND infos "workloads::${w}::info, ")
  endforeach()
  string(REGEX REPLACE ", $" "" types "${types}")
  get_property(defaults_only GLOBAL PROPERTY tally_defaults_only)
  set(left_out "")
  foreach(w IN LISTS defaults_only)
    string(APPEND left_out "template <> inline constexpr bool defaults_only<workloads::${w}> = true;\n")
  endforeach()
  get_property(contended GLOBAL PROPERTY tally_contended)
  list(TRANSFORM contended PREPEND "workloads::")
  string(REPLACE ";" ", " contended "${contended}")
  file(CONFIGURE OUTPUT ${generated}/all_workloads.hpp CONTENT
"#pragma once
${includes}
namespace tally {
using all_workloads = workload_list<${types}>;
using contended_workloads = workload_list<${contended}>;
${left_out}}
")

  set(declarations "")
  set(calls "")
  set(observed_calls "")
  add_library(tally_registry STATIC ${generated}/registry.cpp)
  target_link_libraries(tally_registry PUBLIC tally_harness)
  foreach(s IN LISTS strategies)
    get_property(header GLOBAL PROPERTY tally_header_${s})
    get_property(needs GLOBAL PROPERTY tally_needs_${s})
    file(CONFIGURE OUTPUT ${generated}/native_${s}.cpp CONTENT
"#include \"${header}\"
#include \"all_workloads.hpp\"
#include \"harness/run/bind.hpp\"
namespace tally {
strategy_entry native_${s}() {
  return bind_strategy<strategies::${s}, native>(strategies::${s}::variants{}, all_workloads{});
}
}
")
    add_library(tally_native_${s} OBJECT ${generated}/native_${s}.cpp)
    target_link_libraries(tally_native_${s} PUBLIC tally_flags ${needs})
    target_link_libraries(tally_registry PUBLIC ${needs})
    target_sources(tally_registry PRIVATE $<TARGET_OBJECTS:tally_native_${s}>)
    string(APPEND declarations "strategy_entry native_${s}();\n")
    string(APPEND calls "native_${s}(), ")
    # The twin that counts line hand-offs.
    get_property(observed GLOBAL PROPERTY tally_observed_${s})
    if(NOT observed OR TALLY_SANITIZE)  # hand-offs under a sanitizer say nothing
      continue()
    endif()
    file(CONFIGURE OUTPUT ${generated}/observed_${s}.cpp CONTENT
"#include \"${header}\"
#include \"all_workloads.hpp\"
#include \"harness/run/bind_observed.hpp\"
namespace tally {
strategy_entry observed_${s}() {
  return bind_observed<strategies::${s}>(strategies::${s}::variants{}, all_workloads{}, contended_workloads{});
}
}
")
    add_library(tally_observed_${s} OBJECT ${generated}/observed_${s}.cpp)
    target_link_libraries(tally_observed_${s} PUBLIC tally_flags ${needs})
    target_sources(tally_registry PRIVATE $<TARGET_OBJECTS:tally_observed_${s}>)
    string(APPEND declarations "strategy_entry observed_${s}();\n")
    string(APPEND observed_calls "observed_${s}(), ")
  endforeach()
  file(CONFIGURE OUTPUT ${generated}/registry.cpp CONTENT
"#include \"all_workloads.hpp\"
#include \"harness/registry.hpp\"
namespace tally {
${declarations}
const registry& built_in() {
  static const registry all{{${calls}}, {${infos}}, {${observed_calls}}};
  return all;
}
}
")
endfunction()

# The same pairs on the simulated policy: an object library sim_NAME per strategy, and the registry of tally sim. The
# simulator's own code is where its time goes, so that -O1 is enough for these and compiles in 60 % of the time.
function(tally_generate_simulated)
  if(NOT TALLY_SIM)
    return()
  endif()
  get_property(strategies GLOBAL PROPERTY tally_strategies)
  get_property(workloads GLOBAL PROPERTY tally_workloads)
  set(generated ${CMAKE_BINARY_DIR}/generated)
  list(TRANSFORM workloads REPLACE "(.+)" "workloads::\\1::info" OUTPUT_VARIABLE infos)
  list(JOIN infos ", " infos)
  set(declarations "")
  set(calls "")
  add_library(tally_simulated STATIC ${generated}/simulated.cpp)
  target_link_libraries(tally_simulated PUBLIC tally_harness)
  foreach(s IN LISTS strategies)
    get_property(header GLOBAL PROPERTY tally_header_${s})
    get_property(needs GLOBAL PROPERTY tally_needs_${s})
    file(CONFIGURE OUTPUT ${generated}/sim_${s}.cpp CONTENT
"#include \"${header}\"
#include \"all_workloads.hpp\"
#include \"harness/sim/bind.hpp\"
namespace tally {
strategy_entry sim_${s}() { return bind_simulated<strategies::${s}>(strategies::${s}::variants{}, all_workloads{}); }
}
")
    add_library(sim_${s} OBJECT ${generated}/sim_${s}.cpp)
    target_link_libraries(sim_${s} PUBLIC tally_flags ${needs})
    target_compile_options(sim_${s} PRIVATE -O1)
    target_link_libraries(tally_simulated PUBLIC ${needs})
    target_sources(tally_simulated PRIVATE $<TARGET_OBJECTS:sim_${s}>)
    string(APPEND declarations "strategy_entry sim_${s}();\n")
    string(APPEND calls "sim_${s}(), ")
  endforeach()
  file(CONFIGURE OUTPUT ${generated}/simulated.cpp CONTENT
"#include \"all_workloads.hpp\"
#include \"harness/sim/session.hpp\"
namespace tally {
${declarations}
const registry& built_in_simulated() {
  static const registry all{{${calls}}, {${infos}}};
  return all;
}
}
")
endfunction()

# One conformance program per strategy, conform_NAME: the contract's laws and the reference model over every built variant.
function(tally_generate_conformance)
  get_property(strategies GLOBAL PROPERTY tally_strategies)
  foreach(s IN LISTS strategies)
    get_property(header GLOBAL PROPERTY tally_header_${s})
    get_property(needs GLOBAL PROPERTY tally_needs_${s})
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/conform_${s}.cpp CONTENT
"#include \"${header}\"
#include \"tests/conform/conform.hpp\"
namespace tally::conform {
using family = strategies::${s};
using heaps = heaps_of<family, family::variants>::type;
INSTANTIATE_TYPED_TEST_SUITE_P(${s}, Laws, heaps);
INSTANTIATE_TYPED_TEST_SUITE_P(${s}, Model, heaps);
}
")
    add_executable(conform_${s} ${CMAKE_BINARY_DIR}/generated/conform_${s}.cpp)
    target_link_libraries(conform_${s} PRIVATE tally_harness GTest::gtest GTest::gmock GTest::gtest_main ${needs})
    if(TARGET rapidcheck)
      target_link_libraries(conform_${s} PRIVATE rapidcheck)
      target_compile_definitions(conform_${s} PRIVATE TALLY_RAPIDCHECK)
    endif()
    target_compile_options(conform_${s} PRIVATE -UNDEBUG)
    add_test(NAME conform_${s} COMMAND conform_${s})
    set_tests_properties(conform_${s} PROPERTIES LABELS conform TIMEOUT 600
                         ENVIRONMENT "RC_PARAMS=max_success=200 max_size=150")
  endforeach()
endfunction()

# One model program per strategy, model_NAME: every program of tests/model over every built variant, under the model checker;
# and mutants_NAME, which is the same program made wrong in one place after another.
function(tally_generate_model)
  add_library(tally_model STATIC ${CMAKE_SOURCE_DIR}/harness/memory/modelled.cpp ${CMAKE_SOURCE_DIR}/tests/model/suite.cpp)
  target_link_libraries(tally_model PUBLIC tally_flags GTest::gtest)
  target_include_directories(tally_model SYSTEM PRIVATE ${TALLY_RELACY})
  # The checker's operator delete is the plain one.
  target_compile_options(tally_model PUBLIC -fno-sized-deallocation -UNDEBUG)
  target_compile_definitions(tally_model PRIVATE TALLY_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  get_property(strategies GLOBAL PROPERTY tally_strategies)
  foreach(s IN LISTS strategies)
    get_property(header GLOBAL PROPERTY tally_header_${s})
    get_property(needs GLOBAL PROPERTY tally_needs_${s})
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/model_${s}.cpp CONTENT
"#include \"${header}\"
#include \"tests/model/suite.hpp\"
int main(int argc, char** argv) { return tally::model::run_family<tally::strategies::${s}>(argc, argv); }
")
    add_executable(model_${s} ${CMAKE_BINARY_DIR}/generated/model_${s}.cpp)
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
  target_link_libraries(tally_micro PUBLIC tally_harness)
  if(NOT TARGET benchmark::benchmark)
    message(STATUS "tally micro: left out, Google Benchmark was not found (libbenchmark-dev)")
    target_sources(tally_micro PRIVATE ${CMAKE_SOURCE_DIR}/harness/micro/absent.cpp)
    return()
  endif()
  target_sources(tally_micro PRIVATE ${CMAKE_SOURCE_DIR}/harness/micro/run.cpp ${CMAKE_SOURCE_DIR}/harness/micro/baselines.cpp)
  target_link_libraries(tally_micro PUBLIC benchmark::benchmark)
  get_property(strategies GLOBAL PROPERTY tally_strategies)
  set(declarations "")
  set(calls "")
  foreach(s IN LISTS strategies)
    get_property(header GLOBAL PROPERTY tally_header_${s})
    get_property(needs GLOBAL PROPERTY tally_needs_${s})
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/micro_${s}.cpp CONTENT
"#include \"${header}\"
#include \"harness/micro/operations.hpp\"
namespace tally::micro {
void add_${s}(benchmark_list& into) { add_family<strategies::${s}, native>(into, strategies::${s}::variants{}); }
}
")
    target_sources(tally_micro PRIVATE ${CMAKE_BINARY_DIR}/generated/micro_${s}.cpp)
    target_link_libraries(tally_micro PUBLIC ${needs})
    string(APPEND declarations "void add_${s}(benchmark_list& into);\n")
    string(APPEND calls "  add_${s}(into);\n")
  endforeach()
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/micro.cpp CONTENT
"#include \"harness/micro/micro.hpp\"
namespace tally::micro {
${declarations}
void add_strategies(benchmark_list& into) {
${calls}}
}
")
  target_sources(tally_micro PRIVATE ${CMAKE_BINARY_DIR}/generated/micro.cpp)
endfunction()
