# What `cmake --install` puts where: the program with its bundled files and its manual page, and the CMake package (docs/install.md).
if(TALLY_BUILT OR TALLY_SANITIZE)
  return()
endif()
include(CMakePackageConfigHelpers)
include(TallyStrategies)

install(TARGETS tally RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
set(share ${CMAKE_INSTALL_DATADIR}/tally)
install(DIRECTORY workloads/traces/ DESTINATION ${share}/traces FILES_MATCHING PATTERN *.rct.zst PATTERN FORMAT.md
        PATTERN inspect_trace EXCLUDE)
install(DIRECTORY harness/counters/groups/ DESTINATION ${share}/counters)
install(DIRECTORY harness/sim/machines/ DESTINATION ${share}/machines)
install(DIRECTORY harness/run/runtimes/ DESTINATION ${share}/runtimes)
install(DIRECTORY harness/run/findings/ DESTINATION ${share}/findings)
install(FILES results/schema.json DESTINATION ${share})

install(PROGRAMS scripts/record_python DESTINATION ${share}/traces)

# The programs that draw and export, and their package, whose folder stays beside them.
install(PROGRAMS scripts/plot.py scripts/export.py DESTINATION ${share}/plots)
install(DIRECTORY scripts/tally_plots DESTINATION ${share}/plots FILES_MATCHING PATTERN *.py PATTERN *.css PATTERN *.js
        PATTERN __pycache__ EXCLUDE)

# What the shells complete, as the program that is installed says it.
foreach(shell IN ITEMS bash zsh)
  add_custom_command(TARGET tally POST_BUILD VERBATIM
    COMMAND sh -c "\"$1\" completion \"$2\" > \"$3\"" sh $<TARGET_FILE:tally> ${shell} ${PROJECT_BINARY_DIR}/generated/completion.${shell})
endforeach()
install(FILES ${PROJECT_BINARY_DIR}/generated/completion.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME tally)
install(FILES ${PROJECT_BINARY_DIR}/generated/completion.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _tally)

install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
configure_file(docs/tally.1.in ${PROJECT_BINARY_DIR}/generated/tally.1 @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/generated/tally.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

# Headers: one include directory, in which they are found as in this tree.
foreach(folder IN ITEMS memory contract heap counting cycles)
  install(DIRECTORY harness/${folder} DESTINATION ${tally_headers}/harness FILES_MATCHING PATTERN *.hpp PATTERN workload.hpp EXCLUDE)
endforeach()
install(FILES harness/base/cpu_set.hpp harness/base/histogram.hpp DESTINATION ${tally_headers}/harness/base)
install(FILES harness/trace/recorder.hpp harness/trace/recorder_parts.hpp DESTINATION ${tally_headers}/harness/trace)
install(DIRECTORY strategies DESTINATION ${tally_headers} FILES_MATCHING PATTERN *.hpp)

# In two files: who has no oneTBB can still count.
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/tally)
install(TARGETS tally_strategies EXPORT tallyTargets)
install(TARGETS tally_runtime EXPORT tallyRuntimeTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT tallyTargets NAMESPACE tally:: DESTINATION ${package})
install(EXPORT tallyRuntimeTargets NAMESPACE tally:: DESTINATION ${package})

# And in the build folder, where CMAKE_PREFIX_PATH may lead, too.
set(built ${PROJECT_BINARY_DIR}/lib/cmake/tally)
export(EXPORT tallyTargets NAMESPACE tally:: FILE ${built}/tallyTargets.cmake)
export(EXPORT tallyRuntimeTargets NAMESPACE tally:: FILE ${built}/tallyRuntimeTargets.cmake)
configure_package_config_file(cmake/tallyConfig.cmake.in ${built}/tallyConfig.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(${built}/tallyConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${built}/tallyConfig.cmake ${built}/tallyConfigVersion.cmake DESTINATION ${package})
