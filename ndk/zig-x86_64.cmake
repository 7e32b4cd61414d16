# x86-64 programs without an NDK: static musl programs, which run on Android emulators as well as on x86-64 Linux.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)

set(IC_ZIG_TARGET x86_64-linux-musl)
set(IC_ZIG_CPU x86_64) # Android's baseline has SSE 4.2 as well; what a core has beyond it is chosen when the program runs
include("${CMAKE_CURRENT_LIST_DIR}/zig.cmake")

# 16 KiB pages: files aligned so load on 4 KiB phones too. Stripped, because it is pushed: 40 KB instead of 1.6 MB.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static -s -Wl,-z,max-page-size=16384 -Wl,--build-id=sha1")

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
