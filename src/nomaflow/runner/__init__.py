"""RUN: takes claimed runs through their steps."""
