"""WHEN: pure due-time maths, one file per kind of trigger."""
