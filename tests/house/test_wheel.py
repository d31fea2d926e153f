"""What users install is whole."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    """Run `command`, which has to succeed, and return what it wrote."""
    # No variable of this run: the wheel has to do without the checkout.
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(cwd), "LC_ALL": "C.UTF-8"}
    result = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout with the tools of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--wheel", "--no-isolation", "--outdir", folder)
    run(sys.executable, "-m", "build", *options, CHECKOUT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.slow
def test_the_wheel_works_in_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    """Installed without any index, both ways to call it answer."""
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    python = environment / "bin/python"
    install = ("install", "--quiet", "--no-index", "--no-deps", wheel)
    run(sys.executable, "-m", "pip", "--python", python, *install, cwd=tmp_path)
    by_script = run(environment / "bin/instep", "--help", cwd=tmp_path)
    by_module = run(python, "-m", "instep", "--help", cwd=tmp_path)
    assert "usage: instep" in by_script
    assert by_script == by_module


@pytest.mark.slow
def test_the_wheel_holds_all_of_the_package_and_nothing_else(wheel: Path) -> None:
    """Every module of src/instep is in it, and no test, script or cache."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    sources = {
        str(file.relative_to(CHECKOUT / "src"))
        for file in (CHECKOUT / "src/instep").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert names == sources
