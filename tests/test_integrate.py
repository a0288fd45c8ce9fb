"""`kmc integrate`: what it writes and removes, and what desktops and shells make of that."""

from __future__ import annotations

import configparser
import os
import select
import shlex
import shutil
import sys
import time
from pathlib import Path

import pytest
from conftest import VECTORS
from desktop_tools import missing, need
from test_file_type import TYPE, type_by_gio

BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")
MIME = "data/mime/packages/kmcodec-image.xml"
ENTRY = "data/thumbnailers/kmcodec.thumbnailer"
SCRIPTS = {
    "bash": "data/bash-completion/completions/kmc",
    "zsh": "data/zsh/site-functions/_kmc",
    "fish": "config/fish/completions/kmc.fish",
}
ALL_SCRIPTS = [
    name for path in SCRIPTS.values() for name in (path, path.replace("kmc", "kmcodec", 1))
]
FILES = [MIME, ENTRY, *ALL_SCRIPTS]


@pytest.fixture
def integrate(desktop, kmc):
    """Run the command as a user of a desktop; gives the lines that it prints."""

    def run(*arguments, code=0, **variables):
        environment = {k: v for k, v in {**desktop.environment, **variables}.items() if v}
        done = kmc("integrate", *arguments, env=environment)
        assert (done.returncode, done.stdout) == (code, b""), done.stderr
        return done.stderr.decode().splitlines()

    return run


def told(lines, verb):
    """The paths of the lines that begin with a verb."""
    return [line.removeprefix(f"{verb}: ") for line in lines if line.startswith(f"{verb}: ")]


def written(desktop):
    """The files of the user without the database that a program of the desktop makes."""
    files = {name: data for name, data in desktop.files().items() if data is not None}
    return {name: data for name, data in files.items() if name in FILES or "mime/" not in name}


def test_it_says_what_it_writes_and_twice_changes_nothing(desktop, integrate):
    planned = integrate("--dry-run")
    assert desktop.files() == {}
    paths = [str(desktop.home / name) for name in FILES]
    assert told(planned, "would write") == paths
    lines = integrate()
    assert told(lines, "wrote") == paths
    assert sorted(written(desktop)) == sorted(FILES)
    before = {path: (os.stat(path).st_ino, os.stat(path).st_mtime_ns) for path in paths}
    files = desktop.files()
    lines = integrate()
    assert told(lines, "unchanged") == paths
    assert not told(lines, "wrote") + told(lines, "ran")
    assert {path: (os.stat(path).st_ino, os.stat(path).st_mtime_ns) for path in paths} == before
    assert told(integrate("--remove", "-n"), "would remove") == paths
    assert desktop.files() == files
    assert told(integrate("--remove"), "removed") == paths
    assert written(desktop) == {}
    assert told(integrate("--remove"), "not there") == paths


def test_without_xdg_variables_or_with_relative_ones_the_home_folder_counts(desktop, integrate):
    integrate(XDG_DATA_HOME="", XDG_CONFIG_HOME="relative")
    for name in FILES:
        name = name.replace("data/", ".local/share/").replace("config/", ".config/")
        assert (desktop.home / name).is_file()
    assert not (desktop.home / "relative").exists()


def test_what_others_wrote_is_left_alone(desktop, integrate):
    integrate()
    changed, foreign = desktop.home / ENTRY, desktop.home / SCRIPTS["fish"]
    text = changed.read_bytes()
    changed.write_bytes(text.replace(b"--force", b"--force "))
    foreign.write_text("# mine\n")
    files = desktop.files()
    for arguments in ((), ("-n",), ("--remove", "-n")):
        lines = integrate(*arguments, code=1)
        alone = [line for line in lines if "left alone" in line]
        assert [line.split(": ")[1] for line in alone] == [str(changed), str(foreign)]
        assert desktop.files() == files
    integrate("--remove", code=1)
    assert sorted(written(desktop)) == sorted([ENTRY, SCRIPTS["fish"]])
    assert foreign.read_text() == "# mine\n"


def test_files_of_another_version_are_replaced_and_removed(desktop, integrate):
    from kmcodec.desktop.user_files import marked

    integrate()
    old = marked("<old/>\n", xml=True), marked("# old\n")
    for arguments, verb in (((), "wrote"), (("--remove",), "removed")):
        for name, data in zip((MIME, ENTRY), old, strict=True):
            (desktop.home / name).write_bytes(data)
        assert len(told(integrate(*arguments), verb)) >= 2
    assert written(desktop) == {}


def test_no_symbolic_link_leads_out(desktop, integrate, tmp_path):
    outside = tmp_path / "outside"
    (outside / "packages").mkdir(parents=True)
    for name in ("kmc", "packages/kmcodec-image.xml"):
        (outside / name).write_text("precious")
    integrate()
    integrate("--remove")
    # Folders, a file, and one that leads nowhere yet.
    for name in ("mime", "thumbnailers"):
        shutil.rmtree(desktop.data / name)
        (desktop.data / name).symlink_to(outside)
    (desktop.home / SCRIPTS["bash"]).symlink_to(outside / "kmc")
    (desktop.home / SCRIPTS["fish"]).symlink_to(outside / "new")
    for arguments in ((), ("--remove",)):
        lines = integrate(*arguments, code=1)
        faults = [line for line in lines if "symbolic link" in line]
        assert [line.split(": ")[1] for line in faults] == [
            str(desktop.home / name) for name in (MIME, ENTRY, SCRIPTS["bash"], SCRIPTS["fish"])
        ]
        files = [path for path in outside.rglob("*") if path.is_file()]
        assert sorted(path.name for path in files) == ["kmc", "kmcodec-image.xml"]
        assert {path.read_text() for path in files} == {"precious"}
        assert (desktop.home / SCRIPTS["bash"]).is_symlink()


def test_links_within_the_home_folder_are_followed(desktop, integrate):
    (desktop.home / ".config").mkdir()
    (desktop.home / "dotfiles").mkdir()
    (desktop.home / ".config" / "fish").symlink_to("../dotfiles")
    integrate(XDG_CONFIG_HOME="")
    assert (desktop.home / "dotfiles/completions/kmc.fish").is_file()
    integrate("--remove", XDG_CONFIG_HOME="")
    assert not (desktop.home / "dotfiles/completions/kmc.fish").exists()


@pytest.mark.parametrize("home", ["", "relative", "/nonexistent/home"])
def test_without_a_home_it_refuses_in_one_line(desktop, integrate, home):
    (line,) = integrate(code=1, HOME=home, XDG_DATA_HOME="")
    assert line == "kmc: no home folder: set HOME or XDG_DATA_HOME to the path of a folder"
    assert desktop.files() == {}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no root")
def test_root_does_not_write_into_the_home_of_a_user(desktop, monkeypatch):
    from kmcodec.desktop.user_files import user_folder
    from kmcodec.errors import KmcInputError

    if os.geteuid() == 0:
        os.chown(desktop.home, 1234, 1234)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(KmcInputError, match="belongs to another user"):
        user_folder("XDG_DATA_HOME", "share", {"HOME": str(desktop.home)})


def test_a_folder_that_cannot_be_made_is_one_line_and_the_others_are_written(desktop, integrate):
    desktop.data.mkdir()
    (desktop.data / "thumbnailers").write_text("a file")
    lines = integrate(code=1)
    (fault,) = [line for line in lines if line.startswith("kmc: ")]
    assert str(desktop.data / "thumbnailers") in fault
    assert len(told(lines, "wrote")) == len(FILES) - 1


def test_it_says_if_the_database_cannot_be_updated(desktop, integrate, tmp_path):
    folder = tmp_path / "programs"
    folder.mkdir()
    lines = integrate(PATH=str(folder))
    assert any("not installed: update-mime-database" in line for line in lines)
    failing = folder / "update-mime-database"
    failing.write_text("#!/bin/sh\necho no space >&2\nexit 7\n")
    failing.chmod(0o755)
    # What has not been run is due the next time.
    lines = integrate(PATH=f"{folder}:{os.environ['PATH']}", code=1)
    assert "kmc: update-mime-database: exit code 7: no space" in lines
    need("update-mime-database")
    assert any(line.startswith("ran: update-mime-database ") for line in integrate())
    assert (desktop.data / "mime" / "mime.cache").is_file()


@pytest.mark.parametrize(("system", "name"), [("win32", "Windows"), ("darwin", "macOS")])
def test_other_systems_get_completion_only(desktop, monkeypatch, system, name):
    from click.testing import CliRunner

    from kmcodec.cli.integrate import integrate as command

    for variable in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(variable, desktop.environment[variable])
    monkeypatch.setattr(sys, "platform", system)
    run = CliRunner().invoke(command, [])
    assert run.exit_code == 0, run.output
    assert f"{name}: completion only; the file type and thumbnails" in run.output
    assert sorted(written(desktop)) == sorted(ALL_SCRIPTS)


def test_desktops_know_the_type_until_it_is_removed(desktop, integrate, tmp_path):
    need("gio", "xdg-mime", "update-mime-database")
    path = tmp_path / "bird"
    shutil.copy(VECTORS / "good" / "example.kmc", path)
    integrate()
    assert type_by_gio(desktop, path) == TYPE
    assert desktop.run("xdg-mime", "query", "filetype", path) == f"{TYPE}\n"
    integrate("--remove")
    assert type_by_gio(desktop, path) != TYPE


def test_the_entry_names_the_program_that_wrote_it(desktop, kmc, tmp_path):
    """GLib reads it as desktops do: the key file first, then the words of a shell."""
    folder = tmp_path / "50% of \\ it's"
    folder.mkdir()
    program = folder / "kmcodec"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m kmcodec "$@"\n')
    program.chmod(0o755)
    path = f"{folder}:{desktop.environment['PATH']}"
    assert kmc("integrate", env={**desktop.environment, "PATH": path}).returncode == 0
    entries = configparser.ConfigParser(interpolation=None)
    entries.read(desktop.home / ENTRY, "utf-8")
    entry = entries["Thumbnailer Entry"]
    assert entry["TryExec"].replace("\\\\", "\\") == str(program)
    words = shlex.split(entry["Exec"].replace("\\\\", "\\"))
    fields = {"%i": str(VECTORS / "good" / "example.kmc"), "%o": str(tmp_path / "o.png")}
    fields["%s"] = "64"
    words = [fields.get(word, word.replace("%%", "%")) for word in words]
    assert words[0] == str(program)
    desktop.run(*words)
    assert (tmp_path / "o.png").read_bytes().startswith(b"\x89PNG")


# What each shell is started with, and what a user of it has in the file that it reads first.
SHELLS = {
    "bash": (["bash", "-i"], ".bashrc", f". {BASH_COMPLETION}\n"),
    "zsh": (["zsh", "-i"], ".zshrc", "{line}\nautoload -Uz compinit && compinit\n"),
    "fish": (["fish", "-i"], "config/fish/config.fish", "function fish_greeting; end\n"),
}


def typed(command, keys, desktop, cwd, until, seconds=300):
    """Type keys into a program that runs in a terminal until a file exists; gives what it shows."""
    import pty  # not on Windows

    child, terminal = pty.fork()
    if child == 0:
        os.chdir(cwd)
        os.execvpe(command[0], command, {**desktop.environment, "TERM": "xterm"})
    shown = b""
    end = time.monotonic() + seconds
    try:
        os.write(terminal, keys)
        while not until.exists() and time.monotonic() < end:
            if select.select([terminal], [], [], 0.1)[0]:
                shown += os.read(terminal, 4096)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(terminal)
    return shown


@pytest.mark.parametrize(
    ("shell", "called"), [("bash", "kmc"), ("zsh", "kmc"), ("fish", "kmc"), ("zsh", "kmcodec")]
)
def test_shells_complete_commands_options_and_file_names(
    desktop, integrate, tmp_path, shell, called
):
    need(shell)
    if shell == "bash" and not BASH_COMPLETION.exists():
        missing("bash-completion")
    folder = tmp_path / "programs"
    folder.mkdir()
    # It completes as kmc does, and otherwise keeps its arguments.
    program, kept = folder / called, tmp_path / "arguments"
    python = shlex.quote(sys.executable)
    program.write_text(
        f'#!/bin/sh\n[ -z "$_KMC_COMPLETE" ] || exec {python} -m kmcodec "$@"\n'
        f'printf "%s\\n" "$@" >{kept}.new; mv {kept}.new {kept}\n'
    )
    program.chmod(0o755)
    desktop.environment["PATH"] = f"{folder}:{desktop.environment['PATH']}"
    lines = integrate()
    (line,) = [line for line in lines if line.startswith("for zsh")]
    command, name, text = SHELLS[shell]
    path = desktop.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace("{line}", line.split("compinit: ")[1]))
    work = tmp_path / "work"
    work.mkdir()
    (work / "two words.png").touch()
    # Three times: zsh loads the script the first time, and defines functions the second.
    keys = f"{called} enc\ttwo\t--shared-p\t\r".encode()
    shown = typed(command, keys, desktop, work, kept)
    assert kept.exists(), shown.decode(errors="replace")
    words = kept.read_text().splitlines()
    assert words == ["encode", "two words.png", "--shared-palette"]
