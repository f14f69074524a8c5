"""One stage of a diagnosis a file: resolve, connect, tls, http, auth, listing, manifest, blob.

A probe asks once, without retries and within a bounded time, and gives a `CheckRow`. It raises
nothing for what a registry or a network does: that is what it was sent to find out.
"""
