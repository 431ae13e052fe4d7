# The libraries below the registry, from the inside out:
#   tally_engine    what runs a strategy under a workload: windows, lanes, counters, recordings, the virtual multicore's fibers
#   tally_harness   the rest: plans, results, what is known of the machine, the simulator's reports
#   tally_cli       the command line's commands

# tally_library(NAME SOURCES file... [LIBRARIES target...] [DEFINITIONS name=value...]): built here, or taken from TALLY_BUILT.
function(tally_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES;DEFINITIONS" ${ARGN})
  if(TALLY_BUILT)
    add_library(${name} STATIC IMPORTED GLOBAL)
    set_target_properties(${name} PROPERTIES IMPORTED_LOCATION ${TALLY_BUILT}/lib${name}.a)
    target_link_libraries(${name} INTERFACE ${arg_LIBRARIES})
    return()
  endif()
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC ${arg_LIBRARIES})
  target_compile_definitions(${name} PRIVATE ${arg_DEFINITIONS})
  set_target_properties(${name} PROPERTIES UNITY_BUILD ${TALLY_UNITY} UNITY_BUILD_BATCH_SIZE 8)
endfunction()

set(engine "/harness/(workload|memory/[a-z_]+|measure/(handoffs|perf[a-z_]*|usage)|run/(bind|engine|lane|names)|trace/(format|plan)")
set(fibers "sim/(multicore|multicore_waits|policy|space)")
file(GLOB_RECURSE harness_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/harness/*.cpp)
list(FILTER harness_sources EXCLUDE REGEX "/harness/(cli|micro)/|/modelled.cpp$")  # the model checker is the tests' only
if(TALLY_SIM)
  string(APPEND engine "|${fibers}")
else()  # what is left of sim/ is memory, without fibers
  list(FILTER harness_sources EXCLUDE REGEX "/harness/(${fibers}|sim/(overlay|point|record|session|settings|summary))[.]cpp$")
endif()
set(engine_sources ${harness_sources})
list(FILTER engine_sources INCLUDE REGEX "${engine})[.]cpp$")
list(FILTER harness_sources EXCLUDE REGEX "${engine})[.]cpp$")

# The folders are where the bundled recordings, counter groups and machines are opened; nothing prints or stores these paths.
set(engine_definitions TALLY_TRACE_DIR="${CMAKE_SOURCE_DIR}/workloads/traces"
                       TALLY_COUNTER_DIR="${CMAKE_SOURCE_DIR}/harness/measure/counters")
if(TARGET libpfm4)
  list(APPEND engine_definitions TALLY_LIBPFM)
endif()
set(sim_definition "")
if(TALLY_SIM)
  set(sim_definition TALLY_SIM)
endif()
tally_library(tally_engine SOURCES ${engine_sources}
  LIBRARIES tally_flags nlohmann_json::nlohmann_json PkgConfig::zstd $<$<BOOL:${TALLY_SIM}>:Boost::context>
            $<TARGET_NAME_IF_EXISTS:libpfm4>
  DEFINITIONS ${engine_definitions})
tally_library(tally_harness SOURCES ${harness_sources} LIBRARIES tally_engine OpenSSL::Crypto
  DEFINITIONS TALLY_MACHINE_DIR="${CMAKE_SOURCE_DIR}/harness/sim/machines")
if(NOT TALLY_BUILT)
  include(TallyIdentity)
  target_sources(tally_harness PRIVATE $<TARGET_OBJECTS:tally_identity>)
endif()

file(GLOB cli_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/harness/cli/*.cpp)
list(FILTER cli_sources EXCLUDE REGEX "/main.cpp$")
tally_library(tally_cli SOURCES ${cli_sources} LIBRARIES tally_harness CLI11::CLI11 DEFINITIONS ${sim_definition})
