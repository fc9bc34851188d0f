"""The documented import path of the plugin types, and nothing else."""
