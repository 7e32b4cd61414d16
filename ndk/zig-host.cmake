# Programs for this machine with zig: an old glibc, so that they run on other hosts too, and the baseline CPU. Wider
# instructions are chosen when the program runs. IC_HOST_PROCESSOR: x86_64 or aarch64; not given: this machine's.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES IC_HOST_PROCESSOR)
if(NOT IC_HOST_PROCESSOR)
    cmake_host_system_information(RESULT IC_HOST_PROCESSOR QUERY OS_PLATFORM)
endif()

if(IC_HOST_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
    set(IC_ZIG_TARGET x86_64-linux-gnu.2.28)
    set(IC_ZIG_CPU x86_64)
elseif(IC_HOST_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
    set(IC_ZIG_TARGET aarch64-linux-gnu.2.28)
    set(IC_ZIG_CPU generic)
else()
    message(FATAL_ERROR "no host build for ${IC_HOST_PROCESSOR} yet: x86_64 and aarch64 Linux only")
endif()
include("${CMAKE_CURRENT_LIST_DIR}/zig.cmake")

set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,--build-id=sha1")
