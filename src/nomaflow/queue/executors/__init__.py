"""Where claimed runs execute: one file per executor."""
