"""What a person declares of a system: the scope that an audit takes its rules by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from lineal.pipeline.section import Section

SPAN = r"^[1-9]\d{0,3} (days?|weeks?|months?|years?)$"
Role = Literal["provider", "deployer", "importer", "distributor", "product-manufacturer"]
Words = Annotated[str, Field(min_length=1)]
RiskClass = Literal["prohibited", "high", "transparency", "minimal"]


class Declared(Section):
    """What a person declares of the system that the model is for; `lineal audit` reads it, and nothing else does.

    Attributes:
        role: yours, by the EU AI Act's words.
        risk_class: of the system: `high` for a high-risk one, `transparency` for one with duties to tell people that
            it is there.
        intended_purpose: what it is to be used for, in a sentence.
        groups: columns whose groups are to be watched; an empty list says that there are none.
        retention: how long personal data is kept, such as `"2 years"`.
        personal: columns with personal data; an empty list says that there are none.
        special: columns with special categories of personal data (GDPR Art. 9); an empty list says that there are
            none.
        legal_basis: on which personal data is processed (GDPR Art. 6), such as `"consent"`.
        controller: who answers for the processing of personal data, and how to reach them.
        data_subjects: whose data it is, such as `["patients"]`.
        recipients: who else is given it: categories, and the jobs on record that read it; an empty list says nobody.
        transfers: third countries that it goes to; an empty list says none.
        safeguards: how it is kept safe, in a sentence.
        legal_effect: whether predictions alone decide on persons, with legal or similar effect (GDPR Art. 22).
        review_by: the day by which the entry in your inventory of models is to be looked at again.
    """

    role: Role | None = None
    risk_class: RiskClass | None = None
    intended_purpose: Words | None = None
    groups: tuple[str, ...] | None = None
    retention: Annotated[str, Field(pattern=SPAN)] | None = None
    personal: tuple[str, ...] | None = None
    special: tuple[str, ...] | None = None
    legal_basis: Words | None = None
    controller: Words | None = None
    data_subjects: tuple[Words, ...] | None = None
    recipients: tuple[Words, ...] | None = None
    transfers: tuple[Words, ...] | None = None
    safeguards: Words | None = None
    legal_effect: bool | None = None
    review_by: date | None = None

    def columns(self) -> Iterator[tuple[str, str]]:
        """Each column that is named, after the key that names it."""
        for key in ("groups", "personal", "special"):
            for column in getattr(self, key) or ():
                yield f"declared.{key}", column
