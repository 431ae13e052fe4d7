# What another CMake project links: tally::strategies, the strategies' headers and what they include, and tally::runtime, what a few of
# them need compiled: channels and tasks of the native policy, the observed policy's books. No strategy counts with any of it.
# find_package(tally) gives the same two (TallyInstall.cmake, tallyConfig.cmake.in).
set(tally_headers ${CMAKE_INSTALL_INCLUDEDIR}/tally)
add_library(tally_strategies INTERFACE)
add_library(tally::strategies ALIAS tally_strategies)
target_include_directories(tally_strategies INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${tally_headers}>)
target_compile_features(tally_strategies INTERFACE cxx_std_20)
target_link_libraries(tally_strategies INTERFACE Threads::Threads)
set_target_properties(tally_strategies PROPERTIES EXPORT_NAME strategies)

if(NOT TARGET TBB::tbb)
  message(STATUS "tally::runtime: left out, oneTBB was not found (libtbb-dev)")
  return()
endif()
if(TALLY_PROGRAM)
  add_library(tally_runtime STATIC $<TARGET_OBJECTS:tally_memory>)
else()
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/harness/memory/*.cpp)
  add_library(tally_runtime STATIC EXCLUDE_FROM_ALL ${sources})
endif()
add_library(tally::runtime ALIAS tally_runtime)
target_link_libraries(tally_runtime PUBLIC tally_strategies TBB::tbb)
set_target_properties(tally_runtime PROPERTIES LINKER_LANGUAGE CXX EXPORT_NAME runtime)
