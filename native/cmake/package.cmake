# SPDX-License-Identifier: Apache-2.0
# The shared library, the names by which other projects link, and what `cmake --install` lays down.
include(GNUInstallDirs)

set(IC_TARGETS indirectconv)
set_target_properties(indirectconv PROPERTIES EXPORT_NAME static)
add_library(indirectconv::static ALIAS indirectconv)

if(IC_BUILD_SHARED)
  add_library(indirectconv_shared SHARED $<TARGET_OBJECTS:indirectconv>)
  list(APPEND IC_TARGETS indirectconv_shared)
  add_library(indirectconv::shared ALIAS indirectconv_shared)
  target_include_directories(indirectconv_shared INTERFACE $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>)
  target_link_libraries(indirectconv_shared PRIVATE m Threads::Threads)
  target_link_options(indirectconv_shared PRIVATE ${IC_LINK_FLAGS})
  if(NOT APPLE AND (ANDROID OR NOT IC_MACHINE STREQUAL "x86")) # arm64 and Android have systems with pages of 16 KiB, whatever the linker's default is
    target_link_options(indirectconv_shared PRIVATE -Wl,-z,max-page-size=16384)
  endif()
  set_target_properties(indirectconv_shared PROPERTIES
    EXPORT_NAME shared
    OUTPUT_NAME indirectconv
    LINKER_LANGUAGE C
    VERSION ${PROJECT_VERSION}
    SOVERSION ${IC_ABI_VERSION})
endif()

# indirectconv::indirectconv is the one of the two that BUILD_SHARED_LIBS asks for; the installed one goes by that of
# the project which looks for it.
if(BUILD_SHARED_LIBS AND IC_BUILD_SHARED)
  add_library(indirectconv::indirectconv ALIAS indirectconv_shared)
else()
  add_library(indirectconv::indirectconv ALIAS indirectconv)
endif()

if(NOT IC_INSTALL)
  return()
endif()

install(FILES include/indirectconv.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(TARGETS ${IC_TARGETS} EXPORT indirectconv
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")

include(CMakePackageConfigHelpers)
set(IC_PACKAGE_FOLDER "${CMAKE_INSTALL_LIBDIR}/cmake/indirectconv")
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/indirectconvConfigVersion.cmake"
  COMPATIBILITY SameMajorVersion)
install(EXPORT indirectconv NAMESPACE indirectconv:: FILE indirectconvTargets.cmake DESTINATION "${IC_PACKAGE_FOLDER}")
install(FILES cmake/indirectconvConfig.cmake "${CMAKE_CURRENT_BINARY_DIR}/indirectconvConfigVersion.cmake"
  DESTINATION "${IC_PACKAGE_FOLDER}")

# Relative to the file itself, so that the folder may be moved; absolute where the folders were given so.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(IC_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
  set(IC_PC_LIBDIR "${CMAKE_INSTALL_FULL_LIBDIR}")
  set(IC_PC_INCLUDEDIR "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
else()
  file(RELATIVE_PATH IC_PC_PREFIX "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
  string(REGEX REPLACE "/$" "" IC_PC_PREFIX "\${pcfiledir}/${IC_PC_PREFIX}")
  set(IC_PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(IC_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(cmake/indirectconv.pc.in indirectconv.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/indirectconv.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
