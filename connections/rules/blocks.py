"""Blocks of a blob in the making: which file makes which blocks, and which of them the storage already has."""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

_UNCOMMITTED = re.compile(r"<UncommittedBlocks>(.*?)</UncommittedBlocks>", re.DOTALL)
_BLOCK = re.compile(r"<Block>\s*<Name>([^<]{1,200})</Name>\s*<Size>(\d{1,18})</Size>\s*</Block>", re.ASCII)
_CODE = re.compile(r"<Code>(\w{1,100})</Code>", re.ASCII)


@dataclass(frozen=True)
class Block:
    """One block: `id` and `md5` in base64 as the storage wants them."""

    id: str
    md5: str
    content: bytes


def blocks_of(file: BinaryIO, size: int) -> Iterator[Block]:
    """The file in blocks of `size` bytes. An id follows from position and content, so it never names other bytes."""
    number = 0
    while content := file.read(size):
        digest = hashlib.md5(content, usedforsecurity=False).digest()
        block_id = base64.b64encode(f"{number:08d}-{digest.hex()}".encode()).decode()
        yield Block(block_id, base64.b64encode(digest).decode(), content)
        number += 1


def uncommitted(text: str) -> Mapping[str, int]:
    """Id → size of the blocks that the storage keeps for a blob that was not committed; nothing from other text."""
    found = _UNCOMMITTED.search(text)
    return {name: int(size) for name, size in _BLOCK.findall(found[1])} if found else {}


def block_list(ids: Sequence[str]) -> bytes:
    """The body that commits the blocks in this order."""
    latest = "".join(f"<Latest>{block_id}</Latest>" for block_id in ids)
    return f'<?xml version="1.0" encoding="utf-8"?><BlockList>{latest}</BlockList>'.encode()


def storage_error(text: str) -> str:
    """The storage's own error code, e.g. "AuthenticationFailed"; empty when it named none."""
    found = _CODE.search(text)
    return found[1] if found else ""
