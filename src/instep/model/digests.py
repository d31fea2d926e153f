"""The digest that content is compared by: BLAKE2b, 16 bytes."""

try:
    # hashlib loads OpenSSL as well, which is 2 ms of a 60 ms command.
    from _blake2 import blake2b
except ImportError:  # an implementation that has it elsewhere
    from hashlib import blake2b

__all__ = ["blake2b"]
