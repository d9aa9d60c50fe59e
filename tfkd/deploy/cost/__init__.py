"""What a student costs on a Cortex-M, from the bytes of its `.tflite` file alone: no compiler, no board, no emulator.

    cost = cost_of(Path("student.tflite").read_bytes(), engine="plain_c", core="m4")
    cost.flash_bytes, cost.ram_bytes, cost.instructions, cost.milliseconds(64)

RAM is exact: the plan of the plain C engine, or what the firmware sets aside for TensorFlow Lite Micro. So are the
bytes of weights and tables. Code and instructions follow from what the kernels' loops do for the student's shapes,
with the instructions that each piece of them takes fitted to exact counts of other students (`tools/fit_cost.py`, which
also tells how far off that is: `Cost.instructions_error`).
"""

from tfkd.deploy.cost.budget import Budget, BudgetError
from tfkd.deploy.cost.estimate import Cost, cost_of, fitted
from tfkd.deploy.cost.untrained import int8_for_cost
from tfkd.deploy.cost.zeros import CostOfZeros

__all__ = ["Budget", "BudgetError", "Cost", "CostOfZeros", "cost_of", "fitted", "int8_for_cost"]
