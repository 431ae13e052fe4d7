# What the binary says about itself (harness/results/binary.hpp). This file is two things: included, it adds the library
# tally_identity; run as a script at every build, it writes that library's source, which changes only when the answer does.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  string(STRIP "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${type}} -std=c++${CMAKE_CXX_STANDARD}" flags)
  set(identity ${PROJECT_BINARY_DIR}/generated/identity.cpp)
  add_custom_target(tally_identity_source
    COMMAND ${CMAKE_COMMAND} -D "OUT=${identity}" -D "VERSION=${PROJECT_VERSION}" -D "SOURCE=${PROJECT_SOURCE_DIR}" -D "FLAGS=${flags}"
            -D "COMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}" -D "TYPE=${CMAKE_BUILD_TYPE}"
            -D "SANITIZER=${TALLY_SANITIZE}" -D "PLANT=${TALLY_PLANT}" -P ${CMAKE_CURRENT_LIST_FILE}
    BYPRODUCTS ${identity} COMMENT "" VERBATIM)
  add_library(tally_identity OBJECT ${identity})
  add_dependencies(tally_identity tally_identity_source)
  target_link_libraries(tally_identity PRIVATE tally_flags nlohmann_json::nlohmann_json)
  return()
endif()

set(git unknown)
set(dirty false)
find_program(GIT git)
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE} rev-parse --short=12 HEAD OUTPUT_VARIABLE revision RESULT_VARIABLE failed
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT failed)
    set(git ${revision})
    execute_process(COMMAND ${GIT} -C ${SOURCE} status --porcelain --untracked-files=no OUTPUT_VARIABLE changed ERROR_QUIET)
    if(changed)
      set(dirty true)
    endif()
  endif()
endif()
set(text "// Written at every build by cmake/TallyIdentity.cmake.
#include \"harness/results/binary.hpp\"
namespace tally {
const build_identity& built_as() {
  static constexpr build_identity identity{\"${VERSION}\", \"${git}\", ${dirty}, \"${COMPILER}\", \"${FLAGS}\", \"${TYPE}\", \"${SANITIZER}\",
                                           \"${PLANT}\"};
  return identity;
}
}
")
set(old "")
if(EXISTS ${OUT})
  file(READ ${OUT} old)
endif()
if(NOT old STREQUAL text)
  file(WRITE ${OUT} "${text}")
endif()
