#!/bin/sh
# Print a Python >= 3.11: the one that was asked for ($1), else the first that PATH has.
set -u

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

for candidate in "$1" python3.11 python3.12 python3.13 python3.14 python3.15 python3; do
    if is_new_enough "$candidate"; then
        [ "$candidate" = "$1" ] || echo "$1 is no Python >= 3.11; using $candidate" >&2
        echo "$candidate"
        exit 0
    fi
done
echo "instep needs Python >= 3.11; $1 is none, and PATH has none. Say where: make PYTHON=..." >&2
exit 1
