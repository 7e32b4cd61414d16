# Finds zig and makes it the C compiler and the archiver. Included by the zig-*.cmake toolchain files, which set
# IC_ZIG_TARGET and IC_ZIG_CPU first.
#
# IC_ZIG: path of the zig program. Not given: the one of the checkout's .venv, else that of python3's ziglang package.

list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES IC_ZIG)

if(NOT IC_ZIG)
    file(GLOB _ic_candidates "${CMAKE_CURRENT_LIST_DIR}/../.venv/lib/python3*/site-packages/ziglang/zig")
    if(_ic_candidates)
        list(GET _ic_candidates 0 IC_ZIG)
        get_filename_component(IC_ZIG "${IC_ZIG}" ABSOLUTE)
    else()
        execute_process(
            COMMAND python3 -c "import os, ziglang; print(os.path.join(os.path.dirname(ziglang.__file__), 'zig'), end='')"
            OUTPUT_VARIABLE IC_ZIG ERROR_QUIET)
    endif()
endif()
if(NOT IC_ZIG OR NOT EXISTS "${IC_ZIG}")
    message(FATAL_ERROR "zig was not found. Run `make` once (it fills .venv), or pass -DIC_ZIG=/path/to/zig.")
endif()

set(CMAKE_C_COMPILER "${IC_ZIG}" cc -target ${IC_ZIG_TARGET} -mcpu=${IC_ZIG_CPU})
set(CMAKE_ASM_COMPILER ${CMAKE_C_COMPILER})

# `zig ar` is two words, CMAKE_AR takes one: the archive rules name it instead.
foreach(_ic_language C ASM)
    set(CMAKE_${_ic_language}_ARCHIVE_CREATE "\"${IC_ZIG}\" ar qc <TARGET> <LINK_FLAGS> <OBJECTS>")
    set(CMAKE_${_ic_language}_ARCHIVE_APPEND "\"${IC_ZIG}\" ar q <TARGET> <LINK_FLAGS> <OBJECTS>")
    set(CMAKE_${_ic_language}_ARCHIVE_FINISH "\"${IC_ZIG}\" ranlib <TARGET>")
endforeach()

# A link during configure would build the C library once more, in a mode the program never uses: half a minute. So
# CMake's checks stop at a library, and its look at the compiler, which would link a program, at an object.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_COMPILER_ID_FLAGS_ALWAYS -c)

# zig adds undefined-behaviour traps and debug information unless told not to.
set(CMAKE_C_FLAGS_INIT "-g0 -fno-sanitize=undefined")
