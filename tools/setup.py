"""Create .venv and install the lock there; do nothing if that has been done.

Run it with the Python that the book shall use: ``python3 tools/setup.py``. One that is
too old or too new looks for another on the machine, or has one fetched, which then runs
this again. So this needs the standard library only, and no syntax newer than that of
Python 3.6.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
# Where one is looked for: Colab's first, which prints what the chapters show.
PREFERRED = ("3.13", "3.12", "3.14", "3.11")
RUNNING = "{}.{}".format(*sys.version_info[:2])
# On Linux torch's wheel brings CUDA, which is most of the size.
NEEDED_GB = 7 if sys.platform == "linux" else 2


class SetupError(Exception):
    """What keeps the environment from being made; its text says what to do."""


def version_of(python) -> str:
    """Return the version of a Python, e.g. ``"3.13"``; empty if it does not run."""
    script = "import sys; print('{}.{}'.format(*sys.version_info[:2]))"
    try:
        found = subprocess.check_output(
            [str(python), "-c", script], stderr=subprocess.DEVNULL
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return found.decode().strip()


def pythons(version: str) -> list:
    """Return the paths of this machine's Pythons of a version, those of pyenv last."""
    home = Path(os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv")))
    named = shutil.which("python" + version)
    kept = sorted((home / "versions").glob(version + ".*/bin/python"), reverse=True)
    # pyenv's name on the PATH runs only where that version is switched on.
    return [path for path in [named] + kept if path and version_of(path) == version]


def find_python(root: Path) -> str:
    """Return a Python that can run the book: that of .venv, or the machine's; or ""."""
    own = root / ".venv" / "bin" / "python"
    if version_of(own) in SUPPORTED:
        return str(own)
    found = (path for version in PREFERRED for path in pythons(version))
    return str(next(found, ""))


def fetch_python(root: Path) -> str:
    """Have uv, in an environment that is deleted again, fetch a Python; return it."""
    failed = (
        f"the book runs on Python {SUPPORTED[0]} to {SUPPORTED[-1]}, and this is "
        f"{RUNNING}. No other is on this machine, and none could be fetched: install "
        "one and name it, for example: make book PYTHON=python3.13"
    )
    print(f"Fetching Python {PREFERRED[0]} with uv (once)", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        venv = Path(folder)
        run([sys.executable, "-m", "venv", venv], failed)
        install_uv(root, venv, failed)
        uv = [str(venv / "bin" / "uv"), "python"]
        run(uv + ["install", PREFERRED[0]], failed)
        found = subprocess.check_output(
            uv + ["find", "--managed-python", "--no-project", PREFERRED[0]]
        )
    return found.decode().strip()


def use_another(root: Path) -> None:
    """Run this script again, in place of this process, with a Python that fits.

    Raises:
        SetupError: If there is none on the machine, and none can be fetched.
    """
    python = find_python(root) or fetch_python(root)
    version = version_of(python)
    print(
        f"setup: the book does not run on Python {RUNNING}, "
        f"so Python {version} is taken: {python}",
        flush=True,
    )
    os.execv(python, [python] + sys.argv)


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


def install_uv(root: Path, venv: Path, problem: str) -> None:
    """Put the uv that the lock names into ``venv``; say ``problem`` if that fails."""
    only_uv = venv / "uv.txt"
    only_uv.write_text(uv_requirement((root / "requirements.txt").read_text()))
    pip = [venv / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    pip += ["install", "--quiet", "--no-deps", "--require-hashes"]
    run(pip + ["-r", only_uv], problem)


def install(root: Path, venv: Path) -> None:
    """Fill ``venv`` with uv, then with the lock, then with the book's own module."""
    failed = "installing failed, see above: check the network and run this again."
    install_uv(root, venv, failed)
    uv, python = [venv / "bin" / "uv", "pip"], ["--python", venv / "bin" / "python"]
    lock = ["--require-hashes", root / "requirements.txt"]
    run(uv + ["sync", "--quiet"] + python + lock, failed)
    # Offline, since uv is itself the build backend: nothing has to be fetched.
    own = ["install", "--offline", "--no-deps", "--quiet", "--editable", root]
    run(uv + own + python, "installing cnnbook failed, see above.")


def make_environment(root: Path, version: str) -> None:
    """Bring ``root``'s .venv in line with the lock, from whatever state it is in.

    The stamp is written last and removed first. An environment without one was
    interrupted, so nothing in it is trusted and it is made afresh; one whose stamp
    differs only in the lock is brought up to date in place.
    """
    venv = root / ".venv"
    stamp, wanted = venv / "stamp.json", wanted_stamp(root, version)
    found = read_stamp(stamp) if (venv / "bin" / "python").exists() else {}
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
    install(root, venv)
    stamp.write_text(json.dumps(wanted))
    print(f"Installed in {time.time() - started:.0f} s", flush=True)


def main() -> int:
    """Make the environment; return the exit status."""
    try:
        if RUNNING not in SUPPORTED:
            use_another(ROOT)
        make_environment(ROOT, RUNNING)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nsetup: interrupted; run this again to finish.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
