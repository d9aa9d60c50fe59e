# Cortex-M7 on Arm's MPS2 board: memory in plenty.
set(CPU cortex-m7)
set(FLASH 0x00000000)
set(FLASH_SIZE 0x400000)
set(RAM 0x20000000)
set(RAM_SIZE 0x400000)
