"""What goes where when images move, and files for the programs that move them."""

from regtools.migration.emit import EMITTERS, Emitted, emitted
from regtools.migration.mapping import Mapping, Rename
from regtools.migration.move import Copies, Copy

__all__ = ["EMITTERS", "Copies", "Copy", "Emitted", "Mapping", "Rename", "emitted"]
