# SPDX-License-Identifier: Apache-2.0
# Targets: indirectconv::static, indirectconv::shared where it was built, and indirectconv::indirectconv, which is the
# shared one with BUILD_SHARED_LIBS and the static one without, or the only one that is there.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include("${CMAKE_CURRENT_LIST_DIR}/indirectconvTargets.cmake")

if(NOT TARGET indirectconv::indirectconv)
  add_library(indirectconv::indirectconv INTERFACE IMPORTED)
  if(BUILD_SHARED_LIBS AND TARGET indirectconv::shared)
    set_target_properties(indirectconv::indirectconv PROPERTIES INTERFACE_LINK_LIBRARIES indirectconv::shared)
  else()
    set_target_properties(indirectconv::indirectconv PROPERTIES INTERFACE_LINK_LIBRARIES indirectconv::static)
  endif()
endif()
