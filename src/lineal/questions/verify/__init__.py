"""Verify: whether what is on record is there, and is what was recorded."""

from __future__ import annotations

from lineal.questions.verify.asking import KINDS, verify, verify_file
from lineal.questions.verify.findings import Checked, Finding, Verification
from lineal.questions.verify.models import check_model

__all__ = ["KINDS", "Checked", "Finding", "Verification", "check_model", "verify", "verify_file"]
