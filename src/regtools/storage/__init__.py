"""What lies on a registry's own disk, read without the registry: plain facts, no judgement.

    disk.py           folders, files and sizes below one root; what goes wrong becomes a problem
    distribution.py   the folder of `registry:2`, `registry:3` and relatives
    layout.py         an OCI image layout
    manifests.py      what the manifests among the blobs lead to
    contents.py       the one value that both give

`regtools.analyses.reconcile` judges them. Nothing here ever writes to the disk.
"""

from regtools.storage.contents import Capacity, Contents, Effect, Kind, Problem, Size
from regtools.storage.read import read_storage

__all__ = ["Capacity", "Contents", "Effect", "Kind", "Problem", "Size", "read_storage"]
