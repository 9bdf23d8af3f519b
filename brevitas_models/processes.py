# SPDX-License-Identifier: Apache-2.0
"""One process, or many started by torchrun on any number of machines."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
import torch.distributed as dist


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """This process among those of a run.

    Attributes:
        rank, count: which one of how many; the first alone writes files and messages.
        device: where it computes.
    """

    rank: int = 0
    count: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def first(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def barrier(self) -> None:
        """Wait for all others."""
        if self.count > 1:
            dist.barrier()

    def average(self, value: torch.Tensor) -> None:
        """Replace a float tensor by its mean over all processes."""
        if self.count > 1:
            dist.all_reduce(value)
            value.div_(self.count)

    def agree(self, flag: bool) -> bool:
        """Whether the first process says so: one clock decides for all."""
        if self.count == 1:
            return flag
        value = torch.tensor(float(flag), device=self.device)
        dist.broadcast(value, 0)
        return bool(value)


def pick_device(name: str | None) -> torch.device:
    """`name`, or an accelerator where there is one, else the CPU."""
    if name is None:
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


@contextmanager
def joined(device: torch.device) -> Iterator[Process]:
    """Join the other processes of the run, where torchrun has started any, and leave at the end."""
    if "RANK" not in os.environ or not dist.is_available():
        yield Process(device=device)
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Process(rank=dist.get_rank(), count=dist.get_world_size(), device=device)
    finally:
        dist.destroy_process_group()
