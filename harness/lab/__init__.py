"""Virtual phones: the device side of adb in front of a root folder with namespaces, users and CPUs of its own.

    manager     up, down, list_phones            controls    what a test may do to a running phone
    phone       the supervisor, a daemon          init        the phone's process 1 and adbd, inside the namespaces
    adbd, stream, protocol, shell, sync, upload   the device side of the adb protocol
    root        the root folder and its mounts    programs/   getprop, settings, dumpsys ...: mksh scripts
    model, sysfs, properties                      what a device model looks like from inside
    faults/     what goes wrong on purpose            rehearsal     faults put on, listed and ended from the host
    ports       where phones answer
    seccomp     the CPUs it shows                 namespaces  system calls       state   the folder on the host

A phone runs programs for the host's architecture (its own tools) and static ones of the first ABI that it lists:
arm64-v8a and armeabi-v7a under emulation, x86_64 by itself (on a host of that kind). There is no bionic, so a
dynamically linked Android program does not start. Timing is the host's, mostly under emulation: never a measurement.
"""
