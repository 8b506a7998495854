# SPDX-License-Identifier: MIT
# Debian's bare-metal Arm toolchain, for a Cortex-M7.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR cortex-m7)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_ASM_COMPILER arm-none-eabi-gcc)
set(CMAKE_OBJCOPY arm-none-eabi-objcopy)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

# No FPU: a bootloader has no use for it, and saves nothing at exceptions.
set(cpu "-mcpu=cortex-m7 -mthumb -mfloat-abi=soft")
set(CMAKE_C_FLAGS_INIT "${cpu} -ffunction-sections -fdata-sections")
set(CMAKE_ASM_FLAGS_INIT "${cpu}")
set(CMAKE_EXE_LINKER_FLAGS_INIT "${cpu} -nostartfiles -Wl,--gc-sections")
