# Programs for this machine with zig: an old glibc or macOS, so that they run on other hosts too, and the baseline CPU.
# Wider instructions are chosen when the program runs. IC_HOST_PROCESSOR: x86_64 or aarch64, IC_HOST_SYSTEM: Linux or
# Darwin (macOS, of aarch64 alone); not given: this machine's.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES IC_HOST_PROCESSOR IC_HOST_SYSTEM)
if(NOT IC_HOST_PROCESSOR)
    cmake_host_system_information(RESULT IC_HOST_PROCESSOR QUERY OS_PLATFORM)
endif()
if(NOT IC_HOST_SYSTEM)
    set(IC_HOST_SYSTEM "${CMAKE_HOST_SYSTEM_NAME}")
endif()

if(IC_HOST_SYSTEM STREQUAL "Linux" AND IC_HOST_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
    set(IC_ZIG_TARGET x86_64-linux-gnu.2.28)
    set(IC_ZIG_CPU x86_64)
elseif(IC_HOST_SYSTEM STREQUAL "Linux" AND IC_HOST_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
    set(IC_ZIG_TARGET aarch64-linux-gnu.2.28)
    set(IC_ZIG_CPU generic)
elseif(IC_HOST_SYSTEM STREQUAL "Darwin" AND IC_HOST_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
    set(IC_ZIG_TARGET aarch64-macos.13.0)
    set(IC_ZIG_CPU apple_m1) # the oldest of them
else()
    message(FATAL_ERROR "no host build for ${IC_HOST_SYSTEM} on ${IC_HOST_PROCESSOR} yet: Linux on x86_64 and aarch64, macOS on arm64")
endif()
if(NOT IC_HOST_SYSTEM STREQUAL CMAKE_HOST_SYSTEM_NAME)
    set(CMAKE_SYSTEM_NAME "${IC_HOST_SYSTEM}")
    set(CMAKE_SYSTEM_PROCESSOR "${IC_HOST_PROCESSOR}")
endif()
include("${CMAKE_CURRENT_LIST_DIR}/zig.cmake")

if(IC_HOST_SYSTEM STREQUAL "Darwin")
    # zig brings Apple's headers and the names of its libraries: nobody has to have Xcode, or its tool for install names.
    set(CMAKE_OSX_SYSROOT "" CACHE STRING "")
    set(CMAKE_OSX_ARCHITECTURES "" CACHE STRING "")
    set(CMAKE_OSX_DEPLOYMENT_TARGET "" CACHE STRING "")
    set(CMAKE_INSTALL_NAME_TOOL true CACHE STRING "")
else()
    set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,--build-id=sha1")
endif()
