"""``backoffice keys``: the key store's root key and its escrow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="The key store: its root key, its escrow.", no_args_is_help=True)


@app.command()
def status() -> None:
    """Under which root keys the projects' keys lie, which copies of the key store there are, and which certificates end when.
    Those that are due stand out.
    """
    from backoffice.commands import terminal
    from backoffice.deployment import deployment
    from backoffice.ending import ending

    with deployment() as opened:
        print(f"Root: {opened.root_key!r}")
        for name, projects in sorted(opened.keys.roots().items()):
            print(f"  {name}: keys of {projects} project{'s' if projects != 1 else ''}")
        generations, ends = opened.escrow().generations(), ending(opened)
    print("Certificates:")
    for one in ends:
        terminal().print(
            f"  {one}", style="bold red" if one.due else None, markup=False, highlight=False, soft_wrap=True
        )
    print("Escrow:" if generations else "Escrow: no copy yet.")
    for one in generations:
        print(f"  {one.id}  {one.made_at:%Y-%m-%d %H:%M} UTC{'' if one.opens else '  (its key is gone)'}")


@app.command()
def rotate() -> None:
    """Put all projects' keys under a new root key, and destroy the old one. Nothing stops; a repeat goes on after a crash.
    Copies in escrow from before do not open then: one more is made.

    A master key in a file is replaced there. One from the environment or from systemd: put a new key before it (64 bytes in
    all), start every process anew, run this, then take the old one out.
    """
    from backoffice.deployment import deployment
    from backoffice.vault.master import MasterKeys
    from backoffice.vault.rotating import rotate_master_key

    with deployment() as opened:
        keys, root, path = opened.key_owner, opened.root_key, opened.settings.master_key_file
        copy = opened.escrow().make if opened.settings.escrow_folder is not None else lambda: None
        if isinstance(root, MasterKeys) and path is not None:
            moved = rotate_master_key(keys, root, path, copy=copy)
        else:
            moved = keys.rewrap(copy)
    print(f"Moved: the keys of {moved} project{'s' if moved != 1 else ''}. Root: {root!r}")


@app.command()
def move(
    master_key: Annotated[Path, typer.Argument(help="The file with the master key that they lie under now.")],
) -> None:
    """Put all projects' keys that lie under a master key under OpenBao, to which this deployment is set by now. First stop what
    works with keys (docs/production.md). A repeat goes on after a crash. Exit code 8: some are not there, and why.
    """
    from backoffice.deployment import deployment
    from backoffice.errors import VaultError
    from backoffice.vault.master import MasterKeys
    from backoffice.vault.openbao import TransitKeys

    with deployment() as opened:
        root = opened.root_key
        if not isinstance(root, TransitKeys):
            raise VaultError(f"This deployment is set to {root!r}, not to OpenBao.", hint="Set BACKOFFICE_OPENBAO_URL.")
        moved = opened.key_owner.move(MasterKeys.from_file(master_key))
        left = sum(projects for name, projects in opened.key_owner.roots().items() if not root.holds(name))
    print(f"Moved: the keys of {moved} project{'s' if moved != 1 else ''}. Root: {root!r}")
    if left:
        raise VaultError(
            f"Keys of {left} more are still under a master key.",
            hint="Made or half destroyed meanwhile: stop what works with keys, destroy again what was being destroyed, repeat.",
        )


@app.command()
def restore(
    generation: Annotated[str | None, typer.Argument(help="As in `keys status`; the newest by default.")] = None,
) -> None:
    """Put a copy back into an empty key store, without what was destroyed since. Exit code 8: nothing was restored, and why."""
    from backoffice.deployment import deployment

    with deployment() as opened:
        done = opened.escrow(restore=True).restore(generation)
    print(f"Restored {done.keys} keys as of {done.made_at:%Y-%m-%d %H:%M} UTC; {done.left_out} stay destroyed.")
    print("Jobs that were claimed since have no key: their clients drop again.")
