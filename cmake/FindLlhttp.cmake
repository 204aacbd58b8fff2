# SPDX-License-Identifier: MIT
# llhttp: the imported target Llhttp::Llhttp. A system package is used where there is one (Debian 13, Fedora); Debian 12 has only
# the C sources, which its package node-llhttp installs, and they are compiled here.
find_package(llhttp CONFIG QUIET)
if(TARGET llhttp::llhttp)
  add_library(Llhttp::Llhttp ALIAS llhttp::llhttp)
  set(Llhttp_FOUND TRUE)
elseif(TARGET llhttp::llhttp_shared)
  add_library(Llhttp::Llhttp ALIAS llhttp::llhttp_shared)
  set(Llhttp_FOUND TRUE)
else()
  find_path(LLHTTP_INCLUDE_DIR llhttp.h PATHS /usr/share/include PATH_SUFFIXES llhttp)
  find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp)
  include(FindPackageHandleStandardArgs)
  find_package_handle_standard_args(Llhttp REQUIRED_VARS LLHTTP_INCLUDE_DIR LLHTTP_SOURCE_DIR)
  if(Llhttp_FOUND)
    add_library(llhttp_from_source STATIC
      ${LLHTTP_SOURCE_DIR}/api.c ${LLHTTP_SOURCE_DIR}/http.c ${LLHTTP_SOURCE_DIR}/llhttp.c)
    target_include_directories(llhttp_from_source SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR})
    target_compile_definitions(llhttp_from_source PUBLIC LLHTTP_STRICT_MODE=1)
    target_compile_options(llhttp_from_source PRIVATE -w)
    add_library(Llhttp::Llhttp ALIAS llhttp_from_source)
  endif()
endif()
