"""Create .venv and install the lock there; do nothing if that has been done.

Run it with the Python that the book shall use: ``python3 tools/setup.py``. It needs
the standard library only, and no syntax newer than Python 3.6, so that an old Python
can read it and say that it is too old.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED = ("3.11", "3.12", "3.13")
# On Linux torch's wheel brings CUDA, which is most of the size.
NEEDED_GB = 7 if sys.platform == "linux" else 2


class SetupError(Exception):
    """What keeps the environment from being made; its text says what to do."""


def check_python(version: str) -> None:
    """Raise SetupError unless this Python, e.g. ``"3.12"``, can run the book."""
    if version not in SUPPORTED:
        raise SetupError(
            f"this is Python {version}, and the book runs on {SUPPORTED[0]} to "
            f"{SUPPORTED[-1]}. Install one of them and name it, for example: "
            "make book PYTHON=python3.13"
        )


def check_disk(folder: Path, needed_gb: float = NEEDED_GB) -> None:
    """Raise SetupError if ``folder``'s disk has less than ``needed_gb`` free."""
    free_gb = shutil.disk_usage(str(folder)).free / 1e9
    if free_gb < needed_gb:
        raise SetupError(
            f"about {needed_gb} GB are needed in {folder}, and {free_gb:.1f} GB are "
            "free. Free some, or clone the book to a larger disk."
        )


def wanted_stamp(root: Path, version: str) -> dict:
    """Describe the environment that belongs to the lock at ``root``.

    It names the folder too, since a virtual environment does not survive a move.
    """
    lock = hashlib.sha256((root / "requirements.txt").read_bytes()).hexdigest()
    return {"lock": lock, "python": version, "root": str(root)}


def read_stamp(stamp: Path) -> dict:
    """Return what the stamp says; nothing if it is missing or cut short."""
    try:
        return json.loads(stamp.read_text())
    except (OSError, ValueError):
        return {}


def remove(venv: Path) -> None:
    """Delete the environment; raise SetupError if something still holds it."""
    try:
        shutil.rmtree(str(venv))
    except OSError as error:
        raise SetupError(
            f"could not remove .venv ({error}): end what uses it and run this again."
        ) from error


def uv_requirement(lock: str) -> str:
    """Return the lines of the lock's text that pin uv: version and hashes."""
    found = re.search(r"^uv==.*\n(?:    --hash=.*\n)+", lock, flags=re.MULTILINE)
    if found is None:
        raise SetupError("requirements.txt has no 'uv==' entry: run `make lock`.")
    return found.group()


def run(command: list, problem: str) -> None:
    """Run ``command``, a list; raise SetupError, saying ``problem``, if it fails."""
    try:
        code = subprocess.call([str(part) for part in command], cwd=str(ROOT))
    except OSError as error:
        raise SetupError(f"{problem} ({error})") from error
    if code:
        raise SetupError(problem)


def install(root: Path, venv: Path, scripts: Path) -> None:
    """Fill ``venv`` with uv, then with the lock, then with the book's own module."""
    python, lock = scripts / "python", root / "requirements.txt"
    only_uv = venv / "uv.txt"
    only_uv.write_text(uv_requirement(lock.read_text()))
    failed = "installing failed, see above: check the network and run this again."
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    run(pip + ["--no-deps", "--require-hashes", "-r", only_uv], failed)
    uv = [scripts / "uv", "pip"]
    run(uv + ["sync", "--quiet", "--python", python, "--require-hashes", lock], failed)
    own = ["--no-deps", "--quiet", "--python", python, "--editable", root]
    # Offline, since uv is itself the build backend: nothing has to be fetched.
    run(
        uv + ["install", "--offline"] + own,
        "installing cnnbook from pyproject.toml failed, see above.",
    )


def make_environment(root: Path, version: str) -> None:
    """Bring ``root``'s .venv in line with the lock, from whatever state it is in.

    The stamp is written last and removed first. An environment without one was
    interrupted, so nothing in it is trusted and it is made afresh; one whose stamp
    differs only in the lock is brought up to date in place.
    """
    venv = root / ".venv"
    scripts = venv / ("Scripts" if os.name == "nt" else "bin")
    stamp, wanted = venv / "stamp.json", wanted_stamp(root, version)
    runs = any((scripts / name).exists() for name in ("python", "python.exe"))
    found = read_stamp(stamp) if runs else {}
    if found == wanted:
        return
    started = time.time()
    if {**found, "lock": ""} == {**wanted, "lock": ""}:
        print("The lock has changed: updating .venv", flush=True)
        stamp.unlink()
    else:
        if venv.is_dir():
            print("Removing an incomplete or older .venv", flush=True)
            remove(venv)
        check_disk(root)
        size = f"once, about {NEEDED_GB - 1} GB"
        print(f"Installing the book's packages into .venv ({size})", flush=True)
        # The base interpreter: .venv's own, if active, has just been removed.
        base = getattr(sys, "_base_executable", sys.executable)
        run(
            [base, "-m", "venv", venv],
            "python3 -m venv failed, see above: Debian and Ubuntu need python3-venv.",
        )
    install(root, venv, scripts)
    stamp.write_text(json.dumps(wanted))
    print(f"Installed in {time.time() - started:.0f} s", flush=True)


def main() -> int:
    """Make the environment; return the exit status."""
    version = "{}.{}".format(*sys.version_info[:2])
    try:
        check_python(version)
        make_environment(ROOT, version)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nsetup: interrupted; run this again to finish.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
