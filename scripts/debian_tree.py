"""Unpack the newest CPythons of Debian into a folder: no root, no chroot, no maintainer scripts.

apt runs with a private configuration and an empty package status, so it resolves the whole tree of
dependencies and touches nothing of the machine. The mirror is the one the machine's own apt uses.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from private_loader import UnsupportedElfError, use_private_loader

SUITES = ("forky", "sid")
KEYRINGS = tuple(
    Path(f"/usr/share/keyrings/debian-archive-keyring.{suffix}") for suffix in ("pgp", "gpg")
)
# libstdc++6: wheels such as numpy's need it. libc-bin and ca-certificates: for use in a chroot.
EXTRA_PACKAGES = ("libc-bin", "ca-certificates", "libstdc++6")
# Since the merge of /usr, packages ship files below these names through links.
MERGED_FOLDERS = ("bin", "sbin", "lib", "lib64")
COMMAND_DEADLINE_SECONDS = 300
# Raised when the layout of the tree changes, so that older trees are built again.
LAYOUT = 1


class TreeError(Exception):
    """The tree can't be made on this machine, now."""


@dataclass(frozen=True, slots=True)
class Apt:
    """apt with lists, cache and status of its own."""

    folder: Path

    def run(self, *arguments: str) -> str:
        """Run one apt command and return what it wrote."""
        environment = {**os.environ, "APT_CONFIG": str(self.folder / "apt.conf"), "LC_ALL": "C"}
        return _output(list(arguments), environment)

    def configure(self, mirror: str) -> None:
        """Write the configuration: `SUITES` of `mirror` and nothing else."""
        for name in ("lists/partial", "cache/archives/partial", "preferences.d"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").write_text("")
        keyring = next((path for path in KEYRINGS if path.exists()), None)
        options = f"[signed-by={keyring}] " if keyring else ""
        lines = [f"deb {options}{mirror} {suite} main\n" for suite in SUITES]
        (self.folder / "sources.list").write_text("".join(lines))
        settings = {
            "Dir::State::lists": self.folder / "lists",
            "Dir::State::status": self.folder / "status",
            "Dir::Cache": self.folder / "cache",
            "Dir::Etc::sourcelist": self.folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferencesparts": self.folder / "preferences.d",
            "Acquire::http::Timeout": 20,
            "APT::Sandbox::User": "",  # The user _apt can't write below a home directory.
        }
        text = "".join(f'{name} "{value}";\n' for name, value in settings.items())
        (self.folder / "apt.conf").write_text(text)


def ensure_tree(folder: Path, minors: tuple[str, ...]) -> Path:
    """Return the root of a tree with every one of `minors` that the mirror has; build it if needed.

    The programs know their loader by its absolute path, so a tree that was moved is built again.
    """
    root = folder / "root"
    stamp = folder / "complete.json"
    wanted = {"layout": LAYOUT, "root": str(root), "minors": list(minors)}
    if stamp.exists() and json.loads(stamp.read_text()) == wanted:
        return root
    _require_commands("apt-get", "apt-cache", "dpkg-deb", "tar")
    if platform.system() != "Linux":
        raise TreeError("not a Linux machine")
    if folder.exists():
        shutil.rmtree(folder)
    archives = _download(folder / "apt", minors)
    _unpack(archives, root)
    for minor in minors:
        _make_startable(root, root / "usr/bin" / f"python{minor}")
    shutil.rmtree(folder / "apt")
    stamp.write_text(json.dumps(wanted))
    return root


def _require_commands(*names: str) -> None:
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        raise TreeError(f"not a Debian-like machine: no {', '.join(missing)}")


def _download(folder: Path, minors: tuple[str, ...]) -> list[Path]:
    apt = Apt(folder)
    apt.configure(_mirror())
    apt.run("apt-get", "-q", "update")
    offered = set(apt.run("apt-cache", "pkgnames", "python3.").split())
    names = [f"python{minor}" for minor in minors if f"python{minor}" in offered]
    if not names:
        raise TreeError(f"the mirror has no CPython for {' or '.join(SUITES)}")
    apt.run(
        "apt-get", "-y", "-q", "-d", "--no-install-recommends", "install", *names, *EXTRA_PACKAGES
    )
    return sorted((folder / "cache/archives").glob("*.deb"))


def _mirror() -> str:
    """Return the address of the Debian mirror that this machine's own apt uses."""
    query = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    # The label is known once `apt-get update` ran; before that, the path has to do.
    labelled = _output([*query, "Label: Debian"]).split()
    named = [uri for uri in _output(query).split() if uri.rstrip("/").endswith("/debian")]
    if not labelled + named:
        raise TreeError("the machine's apt has no Debian mirror")
    return (labelled + named)[0]


def _unpack(archives: list[Path], root: Path) -> None:
    for name in MERGED_FOLDERS:
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for archive in archives:
        # Names in tar archives of Debian packages are relative: "./usr/bin/python3.14".
        files = subprocess.run(
            ["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE, check=True
        )
        subprocess.run(
            ["tar", "-C", root, "--keep-directory-symlink", "--no-same-owner", "-xf", "-"],
            input=files.stdout,
            check=True,
        )
    # Absolute paths into the tree hold in a chroot too: the loader of each program is one.
    seen_from_inside = root / root.relative_to("/")
    seen_from_inside.parent.mkdir(parents=True)
    seen_from_inside.symlink_to("/")


def _make_startable(root: Path, program: Path) -> None:
    if not program.exists():
        return
    try:
        # $LIB is the loader's own word for the library folder, such as lib/x86_64-linux-gnu.
        use_private_loader(program, root, "$ORIGIN/../$LIB")
    except UnsupportedElfError as error:
        print(f"{program.name} keeps the machine's loader: {error}")


def _output(command: list[str], environment: dict[str, str] | None = None) -> str:
    try:
        result = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_DEADLINE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TreeError(f"{command[0]} took longer than {COMMAND_DEADLINE_SECONDS} s") from error
    if result.returncode != 0:
        last_line = (result.stderr.strip() or "no message").splitlines()[-1]
        raise TreeError(f"{' '.join(command[:2])} failed: {last_line}")
    return result.stdout
