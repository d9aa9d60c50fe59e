"""Flash and RAM of a student: exact but for the code, which follows from what was measured of others."""

from tfkd.deploy.cost.plain_c import CALL, chosen
from tfkd.deploy.cost.work import BLOCK


def plain_c_flash(program, works, table, vectors):
    """Bytes of code and constants of the plain C engine with a student."""
    code = sum(table["schedule"][name] * count for name, count in schedule(program, vectors).items() if count)
    kernels = sum(table["kernels"].get(kernel, 0) for kernel in {work.kernel for work in works})
    arrays, structs = constants(program, vectors)
    return round(code) + kernels + arrays + sum(table["structs"][name] * count for name, count in structs.items())


def tflm_flash(operators, table):
    """Bytes of code and constants of TensorFlow Lite Micro with these operators, without the model.

    Right for the operators of `imu_student`, with or without kernels of four bits and one kind of pooling. Too much
    without one of its operators (12.5 KB for a student of four bits without ADD and DEPTHWISE_CONV_2D), for both kinds
    of pooling (0.8 KB), and for students with a memory (up to what all operators for that take).

    Args:
        operators: set of names, as `tfkd.deploy.cost.tflm.tflm_code` gives them.
        table: what was fitted for the core.
    """
    return table["always"] + sum(more["bytes"] for more in table["more"] if operators & {*more["for"]})


def tflm_ram(operators, arena_bytes, vectors):
    """`TFKD_STUDENT_MEMORY_BYTES` of `micro/src/student_tflm.h` on a 32-bit core."""
    margin = arena_bytes // (2 if vectors else 16)
    return (320 + 48 * len(operators) + arena_bytes + margin + 15) // 16 * 16


def schedule(program, vectors):
    """What the code of the generated schedule is proportional to, as counts."""
    counts = {"always": 1, "calls": 0, "arguments": 0, "loops": 0, "loops of unequal blocks": 0}
    counts["cleared"] = len(program.kept)
    for step in program.steps:
        structs, code = chosen(step, vectors)
        calls = CALL.findall(code)
        counts["calls"] += len(calls)
        counts["arguments"] += sum(arguments.count(",") + 1 for _, arguments in calls)
        if code.startswith("for "):
            counts["loops"] += 1
            counts["loops of unequal blocks"] += int(structs["matrix"][1]["out_step"] % BLOCK > 0)
    return counts


def constants(program, vectors):
    """Bytes of all weights and tables, and how many structs there are of each C type."""
    arrays, types = 0, {}
    for step in program.steps:
        for c_type, fields in chosen(step, vectors)[0].values():
            types[c_type] = types.get(c_type, 0) + 1
            arrays += _array_bytes(fields)
    return arrays, types


def _array_bytes(fields):
    if isinstance(fields, dict):
        return sum(_array_bytes(field) for field in fields.values())
    return getattr(fields, "bytes", 0)
