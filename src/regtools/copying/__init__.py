"""What goes where when images move, and files for the programs that move them."""

from regtools.copying.emit import EMITTERS, Emitted, emitted
from regtools.copying.mapping import Mapping, Rename
from regtools.copying.move import Copies, Copy

__all__ = ["EMITTERS", "Copies", "Copy", "Emitted", "Mapping", "Rename", "emitted"]
