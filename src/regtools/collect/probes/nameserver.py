"""What a name server itself says of a name, beside what the system makes of it.

Source: RFC 1035, sections 4.1 and 4.2.1 (messages over UDP); RFC 3596 for AAAA.
"""

from __future__ import annotations

import ipaddress
import secrets
import struct
from dataclasses import dataclass
from typing import Final

import anyio

SECONDS: Final = 1.0
"""Longest wait; a healthy server answers in milliseconds."""
KINDS: Final = {"ipv4": 1, "ipv6": 28}
_PORT: Final = 53
_HEAD: Final = struct.Struct("!6H")
_RECORD: Final = struct.Struct("!HHIH")
_RECURSE: Final = 0x0100
_IS_ANSWER: Final = 0x8000
_FAULTS: Final = {2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}
_LONGEST_LABEL: Final = 63
_POINTER: Final = 0xC0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A name server's answer for one kind of address."""

    addresses: tuple[str, ...] = ()
    fault: str = ""
    """Why there are none: its own word, or ``no answer``; empty: it has none of this kind."""


async def ask(server: str, name: str, kind: int) -> Said:
    """Ask one name server one question, once."""
    asked = secrets.randbelow(2**16)
    try:
        question = query(asked, name, kind)
        with anyio.fail_after(SECONDS):
            async with await anyio.create_connected_udp_socket(server, _PORT) as way:
                await way.send(question)
                while True:
                    # What is no answer to this question is somebody else's, or nobody's.
                    try:
                        return answer(await way.receive(), asked, kind)
                    except ValueError:
                        continue
    except (OSError, TimeoutError, ValueError, anyio.ClosedResourceError):
        return Said(fault="no answer")


def query(asked: int, name: str, kind: int) -> bytes:
    """Write a question.

    Raises
    ------
    ValueError
        It is no name that can be asked for.
    """
    labels = name.rstrip(".").encode("idna").split(b".")
    if not all(0 < len(label) <= _LONGEST_LABEL for label in labels):
        raise ValueError("no name")
    written = b"".join(bytes([len(label)]) + label for label in labels)
    return _HEAD.pack(asked, _RECURSE, 1, 0, 0, 0) + written + b"\0" + struct.pack("!HH", kind, 1)


def answer(message: bytes, asked: int, kind: int) -> Said:
    """Read an answer.

    Raises
    ------
    ValueError
        It is none to this question, or is cut off.
    """
    try:
        number, flags, questions, answers, _, _ = _HEAD.unpack_from(message)
        if number != asked or not flags & _IS_ANSWER:
            raise ValueError("not ours")
        place = _HEAD.size
        for _ in range(questions):
            place = _behind_name(message, place) + 4
        found = []
        for _ in range(answers):
            place = _behind_name(message, place)
            given, _, _, length = _RECORD.unpack_from(message, place)
            place += _RECORD.size
            if given == kind:
                found.append(str(ipaddress.ip_address(message[place : place + length])))
            place += length
    except (struct.error, IndexError) as error:
        raise ValueError("cut off") from error
    code = flags & 0xF
    return Said(addresses=tuple(found), fault=_FAULTS.get(code, f"RCODE {code}" if code else ""))


def _behind_name(message: bytes, place: int) -> int:
    """Skip a name: its labels to the end, or to a pointer."""
    while True:
        length = message[place]
        if length >= _POINTER:
            return place + 2
        place += 1 + length
        if length == 0:
            return place
