"""Programs of the desktop that tests run, and a home for them."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

REQUIRED = os.environ.get("KMC_REQUIRE_DESKTOP") == "1"


def need(*programs):
    """Skip the test if one of these programs is not installed, or fail where all must be."""
    for program in programs:
        if shutil.which(program) is None:
            missing(program)


def missing(what):
    """Skip the test because this is not installed, or fail where all must be."""
    (pytest.fail if REQUIRED else pytest.skip)(f"{what} is not installed")


class Desktop:
    """A user without files of their own.

    Parameters
    ----------
    home : Path
        An empty folder.
    """

    def __init__(self, home):
        self.home = home
        self.data = home / "data"
        self.config = home / "config"
        own = {"DBUS_SESSION_BUS_ADDRESS", "SUDO_UID", "BASH_COMPLETION_USER_DIR", "ZDOTDIR"}
        kept = {k: v for k, v in os.environ.items() if k not in own and not k.startswith("XDG_")}
        self.environment = {
            **kept,
            "HOME": str(home),
            "SHELL": "/bin/bash",
            # Two spellings of the tools: gio reads these, and xdg-mime asks gio on this desktop.
            "XDG_DATA_HOME": str(self.data),
            "XDG_CONFIG_HOME": str(self.config),
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_DATA_DIRS": "/usr/local/share:/usr/share",
            "XDG_CURRENT_DESKTOP": "GNOME",
            "LC_ALL": "C.UTF-8",
        }

    def run(self, *command, **options):
        """Run a program as this user; gives what it prints."""
        done = subprocess.run(
            [*map(str, command)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **options,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def files(self):
        """All files and folders of the user, with the content of files."""
        return {
            str(path.relative_to(self.home)): path.read_bytes() if path.is_file() else None
            for path in self.home.rglob("*")
        }
