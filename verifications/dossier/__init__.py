"""What came in about an applicant, in sections to read. Knows no model: a body goes in.

Document number, personal code and address are not in the result until they are asked for.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from verifications.dossier import blocks, fields, masking

# The tag that says that some value differs, but not which.
UNSPECIFIED = "DOC_INFO_MISMATCH"


@dataclass(frozen=True)
class Dossier:
    fields: list[fields.Field]
    blocks: list[blocks.Block]
    was_corrected: bool
    differs_somewhere: bool
    duplicates: list[str]
    hides: bool

    @property
    def differing(self) -> int:
        return sum(field.differs for field in self.fields)

    @property
    def difference(self) -> str:
        """What is said of the applicant's data in one line."""
        if self.differing:
            verb = "differs" if self.differing == 1 else "differ"
            return f"{self.differing} of {len(self.fields)} fields {verb}"
        if self.differs_somewhere:
            return "Something differs"
        return "No difference reported" if self.fields else "Nothing was read"


def build(body: Mapping[str, Any], mismatches: Collection[str], *, is_revealed: bool) -> Dossier:
    told = body.get("data") or {}
    mask = masking.mask(body, is_lifted=is_revealed)
    data = fields.build(told, mismatches, mask)
    others = list(blocks.build(body, mask))
    hidden = (fact.is_masked for block in others for group in block.groups for fact in group.facts)
    return Dossier(
        fields=data,
        blocks=others,
        was_corrected=told.get("manuallyDataChanged") is True,
        differs_somewhere=UNSPECIFIED in mismatches,
        duplicates=_duplicates(told),
        hides=any(field.is_masked for field in data) or any(hidden),
    )


def _duplicates(told: Mapping[str, Any]) -> list[str]:
    """Scan refs of verifications with the same face, each once."""
    found = [*(told.get("duplicateFaces") or []), *(told.get("duplicateDocFaces") or [])]
    return list(dict.fromkeys(ref for ref in found if ref))
