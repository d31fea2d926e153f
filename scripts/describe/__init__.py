"""The parts of ``describe_cpython.py``: opcode tables, offsets, the generated text, its checks."""
