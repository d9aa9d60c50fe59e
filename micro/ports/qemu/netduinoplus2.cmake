# Cortex-M4F with the memory of a real STM32F405: what does not fit, or runs over, is caught here.
set(CPU cortex-m4)
set(FLASH 0x08000000)
set(FLASH_SIZE 0x100000)
set(RAM 0x20000000)
set(RAM_SIZE 0x20000)
