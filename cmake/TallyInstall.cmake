# What `cmake --install` puts where: the program with its bundled files and its manual page, and, for other CMake projects, the
# strategies' headers as tally::strategies and what a few of them need compiled as tally::runtime (docs/install.md).
if(TALLY_BUILT OR TALLY_SANITIZE)
  return()
endif()
include(CMakePackageConfigHelpers)

install(TARGETS tally RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
set(share ${CMAKE_INSTALL_DATADIR}/tally)
install(DIRECTORY workloads/traces/ DESTINATION ${share}/traces FILES_MATCHING PATTERN *.rct.zst PATTERN FORMAT.md
        PATTERN inspect_trace EXCLUDE)
install(DIRECTORY harness/counters/groups/ DESTINATION ${share}/counters)
install(DIRECTORY harness/sim/machines/ DESTINATION ${share}/machines)
install(FILES results/schema.json DESTINATION ${share})

# The plot program and its package, whose folder stays beside it.
install(PROGRAMS scripts/plot.py DESTINATION ${share}/plots)
install(DIRECTORY scripts/tally_plots DESTINATION ${share}/plots FILES_MATCHING PATTERN *.py PATTERN __pycache__ EXCLUDE)

# What the shells complete, as the program that is installed says it.
foreach(shell IN ITEMS bash zsh)
  add_custom_command(TARGET tally POST_BUILD VERBATIM
    COMMAND sh -c "\"$1\" completion \"$2\" > \"$3\"" sh $<TARGET_FILE:tally> ${shell} ${CMAKE_BINARY_DIR}/generated/completion.${shell})
endforeach()
install(FILES ${CMAKE_BINARY_DIR}/generated/completion.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME tally)
install(FILES ${CMAKE_BINARY_DIR}/generated/completion.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _tally)

install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
configure_file(docs/tally.1.in ${CMAKE_BINARY_DIR}/generated/tally.1 @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/generated/tally.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

# Headers: one include directory, in which they are found as in this tree.
set(headers ${CMAKE_INSTALL_INCLUDEDIR}/tally)
foreach(folder IN ITEMS memory contract heap counting)
  install(DIRECTORY harness/${folder} DESTINATION ${headers}/harness FILES_MATCHING PATTERN *.hpp PATTERN workload.hpp EXCLUDE)
endforeach()
install(FILES harness/base/cpu_set.hpp DESTINATION ${headers}/harness/base)
install(FILES harness/trace/recorder.hpp DESTINATION ${headers}/harness/trace)
install(DIRECTORY strategies DESTINATION ${headers} FILES_MATCHING PATTERN *.hpp)

add_library(tally_strategies INTERFACE)
target_include_directories(tally_strategies INTERFACE $<INSTALL_INTERFACE:${headers}>)
target_compile_features(tally_strategies INTERFACE cxx_std_20)
target_link_libraries(tally_strategies INTERFACE Threads::Threads)
# What the headers declare and other files define: channels and tasks of the native policy, the observed policy's books. No
# strategy counts with any of it.
add_library(tally_runtime STATIC $<TARGET_OBJECTS:tally_memory>)
set_target_properties(tally_runtime PROPERTIES LINKER_LANGUAGE CXX EXPORT_NAME runtime)
set_target_properties(tally_strategies PROPERTIES EXPORT_NAME strategies)
target_link_libraries(tally_runtime PUBLIC tally_strategies TBB::tbb)

# In two files: who has no oneTBB can still count.
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/tally)
install(TARGETS tally_strategies EXPORT tallyTargets)
install(TARGETS tally_runtime EXPORT tallyRuntimeTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT tallyTargets NAMESPACE tally:: DESTINATION ${package})
install(EXPORT tallyRuntimeTargets NAMESPACE tally:: DESTINATION ${package})
configure_package_config_file(cmake/tallyConfig.cmake.in ${CMAKE_BINARY_DIR}/generated/tallyConfig.cmake
                              INSTALL_DESTINATION ${package})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/generated/tallyConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/generated/tallyConfig.cmake ${CMAKE_BINARY_DIR}/generated/tallyConfigVersion.cmake
        DESTINATION ${package})
