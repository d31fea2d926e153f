#!/bin/sh
# Write requirements/*.txt from requirements/*.in: newest versions, with hashes, naming no index.
# The pins for 3.11 targets differ, because some libraries have left 3.11 behind.
set -eu

pin() { # PYTHON INPUT OUTPUT
    venv=.cache/pip-tools/$1
    if [ ! -x "$venv/bin/pip-compile" ]; then
        sh scripts/make_venv.sh "$1" "$venv"
        "$venv/bin/pip" --quiet install pip-tools
    fi
    CUSTOM_COMPILE_COMMAND="make requirements" "$venv/bin/pip-compile" --quiet --upgrade \
        --generate-hashes --allow-unsafe --strip-extras --no-emit-options \
        --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
        --output-file "requirements/$3" "requirements/$2"
}

pin python3.11 dev.in dev.txt
pin python3.11 targets.in targets-3.11.txt
pin python3.13 targets.in targets.txt
