# 32-bit Arm programs without an NDK: static musl programs. They pass floats in registers of the FPU, Android's in those
# for integers: that matters to libraries (JNI), which want an NDK, not to a program that brings all its own.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR armv7-a)

set(IC_ZIG_TARGET arm-linux-musleabihf)
set(IC_ZIG_CPU generic+v7a+neon) # Android's baseline; what a core has beyond it is chosen when the program runs
include("${CMAKE_CURRENT_LIST_DIR}/zig.cmake")

# Pages as of the other ABIs. Stripped, because it is pushed: 40 KB instead of 1.6 MB.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static -s -Wl,-z,max-page-size=16384 -Wl,--build-id=sha1")

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
