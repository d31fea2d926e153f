#!/bin/sh
# Make a virtual environment in folder $2 with Python $1, with pip in it.
set -eu
python=$1
folder=$2

rm -rf "$folder"
if "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    exec "$python" -m venv "$folder"
fi
# Debian keeps ensurepip in a package of its own.
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "$python can't make virtual environments; installing python3-venv"
    apt-get -qq update
    apt-get -qq install --no-install-recommends --yes python3-venv >/dev/null
    if "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        exec "$python" -m venv "$folder"
    fi
fi
if "$python" -m pip --version >/dev/null 2>&1; then
    "$python" -m venv --without-pip "$folder"
    exec "$python" -m pip --quiet --python "$folder/bin/python" install --ignore-installed pip
fi
echo "$python has neither ensurepip nor pip. On Debian: apt-get install python3-venv" >&2
exit 1
