"""`kmc integrate`."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence

import click
from click.shell_completion import ShellComplete, get_completion_class

from kmcodec.cli.exit_codes import FAILED
from kmcodec.cli.help import Command
from kmcodec.cli.process import note
from kmcodec.desktop.integration import (
    TYPES_PROGRAM,
    are_types_current,
    desktop_files,
    update_types,
)
from kmcodec.desktop.user_files import UserFile, UserFolder, marked, user_folder
from kmcodec.errors import KmcError

EXAMPLES = """
    kmc integrate --dry-run    # which files would it write?
    kmc integrate
    kmc integrate --remove
"""

# Systems whose desktops are not those of freedesktop.org.
_OTHER_DESKTOPS = {"win32": "Windows", "darwin": "macOS"}

_NAMES = ("kmc", "kmcodec")

_ZSH = "zsh/site-functions"
# zsh loads the script at its first call. At the second, click's script only registers its function
# for the calls to come, and that one key would complete nothing.
_ZSH_AGAIN = """\
if [[ $zsh_eval_context[-1] == shfunc ]]; then
    %s "$@"
fi
"""


@click.command(cls=Command, examples=EXAMPLES)
@click.option("--remove", is_flag=True, help="Remove what was written, unless changed since.")
@click.option("-n", "--dry-run", "dry", is_flag=True, help="Only print what would be done.")
def integrate(remove: bool, dry: bool) -> None:
    """Make kmc known to your desktop and shells.

    Installs, for the current user only, the file type and the thumbnailer (not on Windows and
    macOS) in $XDG_DATA_HOME (~/.local/share), and completion for bash, zsh and fish there and in
    $XDG_CONFIG_HOME (~/.config). bash needs the package bash-completion, zsh a line in ~/.zshrc,
    which kmc prints. Files that kmc did not write, or that have changed since, are left alone;
    then the exit code is 1.
    """
    data = user_folder("XDG_DATA_HOME", os.path.join(".local", "share"), os.environ)
    config = user_folder("XDG_CONFIG_HOME", ".config", os.environ)
    system = _OTHER_DESKTOPS.get(sys.platform)
    files = completion_files(data, config)
    if system is None:
        files = [*desktop_files(data, _own_path()), *files]
    changed: list[bool | None] = []
    for file in files:
        try:
            changed.append(_treat(file, remove=remove, dry=dry))
        except KmcError as error:
            note(f"kmc: {error}")
            changed.append(None)
    failed = None in changed
    if system is not None:
        note(f"{system}: completion only; the file type and thumbnails are for other desktops")
    elif changed[0] or (changed[0] is False and not are_types_current(data)):
        failed |= not _treat_types(data, dry=dry)
    if not remove:
        folder = shlex.quote(os.path.join(data.path, *_ZSH.split("/")))
        note(f"for zsh, put this line into ~/.zshrc, before compinit: fpath=({folder} $fpath)")
    if failed:
        click.get_current_context().exit(FAILED)


def completion_files(data: UserFolder, config: UserFolder) -> Sequence[UserFile]:
    """Return the scripts with which shells complete the words of `kmc`, by both its names."""
    places = {
        "bash": (data, "bash-completion/completions/{}"),
        "zsh": (data, f"{_ZSH}/_{{}}"),
        "fish": (config, "fish/completions/{}.fish"),
    }
    return [
        UserFile(folder, name.format(program), marked(_script_for(shell, program)))
        for shell, (folder, name) in places.items()
        for program in _NAMES
    ]


def _script_for(shell: str, program: str) -> str:
    made = get_completion_class(shell)
    assert made is not None
    script = made(click.Command(program), {}, program, "_KMC_COMPLETE")
    # Not that of the class: for bash it would first run bash, to see its version.
    source = ShellComplete.source(script).rstrip("\n") + "\n"
    return source + _ZSH_AGAIN % script.func_name if shell == "zsh" else source


def _own_path() -> str:
    """Return the path of this command, or its name where it runs as a module and is not found."""
    started = os.path.abspath(sys.argv[0])
    if os.path.basename(started) in _NAMES and os.path.isfile(started):
        return started
    # Another program is also called kmc.
    found = shutil.which("kmcodec")
    return os.path.abspath(found) if found else "kmcodec"


def _treat(file: UserFile, *, remove: bool, dry: bool) -> bool:
    """Write or remove a file and say so; return whether something changed, or would."""
    needless = not file.is_there() if remove else file.is_current()
    if needless:
        note(f"{'not there' if remove else 'unchanged'}: {file.path}")
        return False
    if dry:
        note(f"would {'remove' if remove else 'write'}: {file.path}")
        return True
    if remove:
        file.remove()
    else:
        file.write()
    note(f"{'removed' if remove else 'wrote'}: {file.path}")
    return True


def _treat_types(data: UserFolder, *, dry: bool) -> bool:
    """Update the database of file types and say so; return whether nothing failed."""
    command = f"{TYPES_PROGRAM} {shlex.quote(os.path.join(data.path, 'mime'))}"
    try:
        if dry:
            note(f"would run: {command}")
        elif update_types(data):
            note(f"ran: {command}")
        else:
            note(f"not installed: {TYPES_PROGRAM}; desktops know the file type once it has run")
    except KmcError as error:
        note(f"kmc: {error}")
        return False
    return True
