"""Frozen data, no I/O.

Records are ``NamedTuple`` rather than frozen dataclasses: thirty of them cost 5 ms less to create
than the same number of dataclasses, plus 12 ms for the import of ``dataclasses`` itself, in a
command whose whole budget is 60 ms (``python -X importtime``).
"""
