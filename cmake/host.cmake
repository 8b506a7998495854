# SPDX-License-Identifier: MIT
# Everything that runs on the host: tool, simulator, tests.
option(QB_SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer" OFF)

if(QB_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()

option(QB_FUZZ "The programs of tests/fuzz search, with clang's libFuzzer" OFF)
if(QB_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined
                      -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()

# The firmware's portable half with all that a build can have (firmware/config.h).
add_compile_definitions(QB_SERIAL=1)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(UNICORN REQUIRED IMPORTED_TARGET unicorn)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(LIBELF REQUIRED IMPORTED_TARGET libelf)
pkg_check_modules(LIBLZMA REQUIRED IMPORTED_TARGET liblzma)
pkg_check_modules(LIBUSB REQUIRED IMPORTED_TARGET libusb-1.0)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
pkg_check_modules(UMOCKDEV REQUIRED IMPORTED_TARGET umockdev-1.0)
pkg_check_modules(GIO REQUIRED IMPORTED_TARGET gio-2.0)

# One static library per top folder; a new .c file is picked up by itself.
function(qb_library name)
  cmake_parse_arguments(arg "" "" "FOLDERS;LIBS;EXCLUDE" ${ARGN})
  set(sources)
  foreach(folder ${arg_FOLDERS})
    file(GLOB_RECURSE found CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.c)
    list(APPEND sources ${found})
  endforeach()
  foreach(pattern ${arg_EXCLUDE})
    list(FILTER sources EXCLUDE REGEX ${pattern})
  endforeach()
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC ${arg_LIBS})
    # Unicorn's library exports QEMU's functions by names like cpu_reset, and would
    # call ours if it could see them.
    target_compile_options(${name} PRIVATE -fvisibility=hidden)
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${arg_LIBS})
  endif()
endfunction()

qb_library(qb_common FOLDERS common)
qb_library(qb_usbip FOLDERS usbip LIBS qb_common)
# The portable half of the firmware, natively, for unit tests.
qb_library(qb_firmware_portable
           FOLDERS firmware/usb firmware/flash firmware/install firmware/boot
                   firmware/serial
           LIBS qb_common)

add_subdirectory(sim)
add_subdirectory(host)
enable_testing()
add_subdirectory(tests)
