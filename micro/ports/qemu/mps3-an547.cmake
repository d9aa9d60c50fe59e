# Cortex-M55 with MVE (Helium) on Arm's MPS3 board; the code lies in the 512 KB of ITCM.
set(CPU cortex-m55)
set(FLASH 0x00000000)
set(FLASH_SIZE 0x80000)
set(RAM 0x21000000)
set(RAM_SIZE 0x400000)
