"""The databases that can hold the history: one file each."""
