# Cortex-M4F on Arm's MPS2 board: memory in plenty, good for measuring.
set(CPU cortex-m4)
set(FLASH 0x00000000)
set(FLASH_SIZE 0x400000)
set(RAM 0x20000000)
set(RAM_SIZE 0x400000)
