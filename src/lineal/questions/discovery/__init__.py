"""Knowledge discovery: what all runs on record bear out, and what they do not.

Pure functions over experiments, an aspect a file; `discover` reads the store and asks them all.
"""

from lineal.questions.discovery.discover import Discovery, Lesson, discover

__all__ = ["Discovery", "Lesson", "discover"]
