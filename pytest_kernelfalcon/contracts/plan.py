"""Plans: the subgraphs that a problem is split into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_kernelfalcon.contracts.contract import Contract


@dataclass(frozen=True)
class Plan:
    """A problem's contracts, in the order of the forward. One contract is the whole problem itself."""

    problem_sha256: str
    contracts: list[Contract]

    def contract(self, subgraph: str) -> Contract:
        """Raises KeyError for a subgraph that the plan does not hold."""
        for contract in self.contracts:
            if contract.id == subgraph:
                return contract
        raise KeyError(subgraph)

    def to_json(self) -> dict[str, Any]:
        return {"problem_sha256": self.problem_sha256, "contracts": [c.to_json() for c in self.contracts]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Plan:
        return cls(data["problem_sha256"], [Contract.from_json(c) for c in data["contracts"]])
