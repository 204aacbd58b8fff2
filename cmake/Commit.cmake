# SPDX-License-Identifier: MIT
# onehop_commit(TARGET): gives TARGET the header onehop_commit.h with ONEHOP_COMMIT, the commit that is built, or "" where nobody knows.
# The header is written again only after HEAD has moved, so that an ordinary build does nothing. As a script (-P) it writes the header.
if(CMAKE_SCRIPT_MODE_FILE)
  set(commit "${COMMIT}")
  if(NOT commit AND GIT_EXECUTABLE)
    execute_process(COMMAND ${GIT_EXECUTABLE} rev-parse --short=12 HEAD
      WORKING_DIRECTORY ${SOURCE_DIR} OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  file(WRITE ${OUTPUT} "// Written by cmake/Commit.cmake.\n#define ONEHOP_COMMIT \"${commit}\"\n")
  return()
endif()

set(ONEHOP_COMMIT "" CACHE STRING "The commit that is built, where the sources are no git repository")
function(onehop_commit target)
  find_package(Git QUIET)
  set(head_log "")
  if(GIT_FOUND AND NOT ONEHOP_COMMIT)
    # A file that git writes to whenever HEAD moves; in a worktree it is elsewhere.
    execute_process(COMMAND ${GIT_EXECUTABLE} rev-parse --path-format=absolute --git-path logs/HEAD
      WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} OUTPUT_VARIABLE head_log
      OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(NOT EXISTS "${head_log}")
      set(head_log "")
    endif()
  endif()
  set(header ${CMAKE_CURRENT_BINARY_DIR}/generated/onehop_commit.h)
  add_custom_command(OUTPUT ${header}
    COMMAND ${CMAKE_COMMAND} -DCOMMIT=${ONEHOP_COMMIT} -DGIT_EXECUTABLE=${GIT_EXECUTABLE}
      -DSOURCE_DIR=${CMAKE_CURRENT_SOURCE_DIR} -DOUTPUT=${header}
      -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/Commit.cmake
    DEPENDS ${head_log} ${CMAKE_CURRENT_SOURCE_DIR}/cmake/Commit.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${header})
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/generated)
endfunction()
