# SPDX-License-Identifier: MIT
# package_or_pkg_config(NAME PACKAGE TARGET MODULE): the imported target NAME::NAME, from the library's own CMake package and its
# TARGET where it has one, else from pkg-config's MODULE. Called by FindNAME.cmake.
macro(package_or_pkg_config name package target module)
  find_package(${package} CONFIG QUIET)
  if(TARGET ${target})
    add_library(${name}::${name} ALIAS ${target})
    set(${name}_FOUND TRUE)
  else()
    find_package(PkgConfig REQUIRED)
    string(TOUPPER ${name} upper_name)
    pkg_check_modules(${upper_name} IMPORTED_TARGET GLOBAL ${module})
    if(TARGET PkgConfig::${upper_name})
      add_library(${name}::${name} ALIAS PkgConfig::${upper_name})
    endif()
    include(FindPackageHandleStandardArgs)
    find_package_handle_standard_args(${name} REQUIRED_VARS ${upper_name}_LINK_LIBRARIES VERSION_VAR ${upper_name}_VERSION)
  endif()
endmacro()
